//! `/login`.
use crate::i18n::catalogue;

catalogue! {
    /// `/login`.
    Login {
        title => "Sign in", "로그인";
        context => "Use your cluster dashboard account.", "클러스터 대시보드 계정으로 로그인하세요.";
        username => "Username", "사용자 이름";
        password => "Password", "비밀번호";
        show_password => "Show password", "비밀번호 표시";
        hide_password => "Hide password", "비밀번호 숨기기";
        submit => "Sign in", "로그인";
        username_missing => "Enter your username.", "사용자 이름을 입력하세요.";
        password_missing => "Enter your password.", "비밀번호를 입력하세요.";
        ended => "Your session has ended", "세션이 종료되었습니다";
        ended_text => "Sign in again to go on where you were.", "다시 로그인하면 보던 화면으로 돌아갑니다.";
        failed => "Sign-in did not work", "로그인하지 못했습니다";
        invalid_credentials => "Username and password do not match. Check both and try again.",
            "사용자 이름 또는 비밀번호가 맞지 않습니다. 확인한 뒤 다시 시도하세요.";
    }
}
