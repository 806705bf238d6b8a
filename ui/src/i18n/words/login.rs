//! `/login`.
use crate::i18n::catalogue;

catalogue! {
    /// `/login`.
    Login {
        title => "Sign in", "로그인";
        context => "Use your cluster dashboard account.", "클러스터 대시보드 계정으로 로그인하세요.";
        context_cluster => "Use your name and password of the cluster, or your dashboard account.",
            "클러스터의 사용자 이름과 비밀번호 또는 대시보드 계정으로 로그인하세요.";
        username => "Username", "사용자 이름";
        password => "Password", "비밀번호";
        submit => "Sign in", "로그인";
        sso(name: &str) => format!("Continue with {name}"), format!("{name} 계정으로 계속하기");
        or => "or", "또는";
        username_missing => "Enter your username.", "사용자 이름을 입력하세요.";
        password_missing => "Enter your password.", "비밀번호를 입력하세요.";
        ended => "Your session has ended", "세션이 종료되었습니다";
        ended_text => "Sign in again to go on where you were.", "다시 로그인하면 보던 화면으로 돌아갑니다.";
        failed => "Sign-in did not work", "로그인하지 못했습니다";
        invalid_credentials => "Username and password do not match. Check both and try again.",
            "사용자 이름 또는 비밀번호가 맞지 않습니다. 확인한 뒤 다시 시도하세요.";
        too_many_title => "Too many attempts", "시도 횟수가 너무 많습니다";
        too_many(left: &str) => format!("For safety, the next attempt has to wait: {left}. Your account is not locked for good."),
            format!("안전을 위해 {left} 후에 다시 시도할 수 있습니다. 계정이 영구적으로 잠긴 것은 아닙니다.");
        go_on => "You can try again now.", "이제 다시 시도할 수 있습니다.";
        cluster_away => "The cluster’s login host cannot be reached, so its passwords cannot be checked now. Try again in a few minutes; dashboard accounts still work.",
            "클러스터 로그인 서버에 연결할 수 없어 지금은 클러스터 비밀번호를 확인할 수 없습니다. 몇 분 후 다시 시도하세요. 대시보드 계정은 계속 사용할 수 있습니다.";
        busy => "Many people are signing in right now. Try again in a moment.", "지금 로그인하는 사람이 많습니다. 잠시 후 다시 시도하세요.";
        password_expired => "Your password is right, but it has expired. Change it on the cluster first, for example with ssh to a login node; then sign in here.",
            "비밀번호는 맞지만 유효 기간이 지났습니다. 먼저 로그인 노드에 ssh로 접속하는 등 클러스터에서 비밀번호를 바꾼 뒤 로그인하세요.";
        account_disabled => "This account has been disabled. Ask an administrator if you think that is a mistake.",
            "사용 중지된 계정입니다. 잘못된 조치라면 관리자에게 문의하세요.";
        sso_denied => "The sign-in was broken off before it was complete. Try again, or use your password.",
            "로그인이 완료되기 전에 취소되었습니다. 다시 시도하거나 비밀번호로 로그인하세요.";
        sso_not_allowed => "You are who you say, but this dashboard has no place for that account. Ask an administrator to let you in.",
            "본인 확인은 되었지만 이 대시보드를 사용할 수 없는 계정입니다. 관리자에게 사용 권한을 요청하세요.";
        sso_failed => "Single sign-on did not work. Try again; if it keeps failing, tell an administrator when it happened.",
            "통합 로그인에 실패했습니다. 다시 시도하고, 계속 실패하면 발생 시각을 관리자에게 알려 주세요.";
        prompts_context => "One more step: the cluster asks for this.", "한 단계 남았습니다. 클러스터에서 추가 확인을 요청합니다.";
        prompts_refused => "That answer was not accepted. Sign in again; a code is good only once and for a short time.",
            "입력한 답이 맞지 않습니다. 처음부터 다시 로그인하세요. 인증 코드는 짧은 시간 동안 한 번만 쓸 수 있습니다.";
        too_late => "That took too long, so the sign-in has to begin anew.", "시간이 지나 처음부터 다시 로그인해야 합니다.";
        answer => "Answer", "답";
        go_on_button => "Continue", "계속";
        begin_anew => "Begin anew", "처음부터 다시";
        time_left(left: &str) => format!("{left} left"), format!("남은 시간 {left}");
        time_up => "Time is up", "시간이 지났습니다";
    }
}
