//! `/profile`.
use crate::i18n::catalogue;

catalogue! {
    /// `/profile`.
    Profile {
        title => "Profile", "프로필";
        context(name: &str, source: &str) => format!("{name} · {source}"), format!("{name} · {source}");
        sections => "Sections of the profile", "프로필 구역";
        sessions => "Sessions", "세션";
        keys => "API Keys", "API 키";
        password => "Password", "비밀번호";
        preferences => "Language and theme", "언어 및 테마";
        account => "Account", "계정";
        name => "Name", "이름";
        source => "Signs in with", "로그인 방식";
        unix_user => "Unix user", "Unix 사용자";
        unix_user_server => "the dashboard’s own", "대시보드 실행 사용자";
        roles => "Roles", "역할";
        no_roles => "none", "없음";
        may => "You may", "할 수 있는 일";
        may_nothing => "nothing yet: ask an administrator for a role", "아직 없음: 관리자에게 역할을 요청하세요";

        sessions_text => "Every browser and program that is signed in as you. End what you do not know, and change your password then.",
            "내 계정으로 로그인한 브라우저와 프로그램입니다. 모르는 세션은 종료하고 비밀번호를 바꾸세요.";
        end_others => "End all others", "다른 세션 모두 종료";
        end_others_title => "End all other sessions?", "다른 세션을 모두 종료할까요?";
        end_others_text => "You stay signed in here. Everywhere else one must sign in again.",
            "여기에서는 로그인이 유지됩니다. 다른 기기에서는 모두 다시 로그인해야 합니다.";
        everywhere => "Sign out everywhere", "모든 곳에서 로그아웃";
        everywhere_title => "Sign out everywhere?", "모든 곳에서 로그아웃할까요?";
        everywhere_text => "All your sessions end, this one too. Jobs go on, API keys stay good.",
            "현재 세션을 포함해 모든 세션이 종료됩니다. 작업은 계속 실행되고 API 키는 유지됩니다.";

        keys_text => "A key lets a program of yours use the API as you, within what you allow it.",
            "키를 사용하면 허용한 범위 안에서 프로그램이 내 이름으로 API를 사용할 수 있습니다.";
        create_key => "Create New Key", "새 키 만들기";
        no_keys_title => "No API keys yet", "아직 API 키가 없습니다";
        no_keys_text => "Create one for each program, so that you can revoke one without touching the others.",
            "프로그램마다 따로 만들면 다른 프로그램에 영향 없이 하나만 폐기할 수 있습니다.";
        key_name => "Name", "이름";
        key_name_help => "Which program will use it, and where.", "어떤 프로그램이 어디에서 쓸지 적으세요.";
        key_name_missing => "Give it a name.", "이름을 입력하세요.";
        key_name_long => "At most 100 characters.", "최대 100자입니다.";
        key_may => "What it may do", "허용할 권한";
        key_may_help => "Only what the program needs. A key never may more than you.",
            "프로그램에 필요한 것만 고르세요. 키의 권한은 내 권한을 넘을 수 없습니다.";
        key_may_missing => "Allow it at least one thing.", "하나 이상 선택하세요.";
        key_life => "Expires after", "만료";
        days(count: &str) => format!("{count} days"), format!("{count}일");
        own_days => "Another number of days", "직접 입력";
        key_days => "Days", "일수";
        key_days_wrong => "Enter a whole number from 1 to 3650.", "1부터 3650까지의 정수를 입력하세요.";
        key_create => "Create key", "키 만들기";
        key_not_made => "The key was not created", "키를 만들지 못했습니다";
        key_made_title => "Your new key", "새 키";
        key_made_once => "This is the only time that the key is shown", "키는 지금 한 번만 표시됩니다";
        key_made_text => "Copy it now and keep it like a password. Who has it can do what it allows, as you.",
            "지금 복사해서 비밀번호처럼 보관하세요. 이 키를 가진 사람은 허용된 범위에서 내 계정으로 동작할 수 있습니다.";
        key_label => "API key", "API 키";
        key_safe_title => "On a shared machine", "여러 사람이 쓰는 컴퓨터에서";
        key_safe_text => "Others there can see the arguments of your programs. Let curl read the key from a file that only you can read:",
            "다른 사용자가 내 프로그램의 인수를 볼 수 있습니다. 나만 읽을 수 있는 파일에서 curl이 키를 읽게 하세요.";
        key_quick => "On your own machine", "내 컴퓨터에서";
        key_done => "I have kept it", "보관했습니다";
        key_not_copied => "The key has not been copied. Close all the same?", "아직 복사하지 않았습니다. 그래도 닫을까요?";
        close_anyway => "Close all the same", "그래도 닫기";
        go_back => "Back to the key", "키로 돌아가기";

        password_current => "Current password", "현재 비밀번호";
        password_new => "New password", "새 비밀번호";
        password_again => "New password again", "새 비밀번호 확인";
        password_differs => "The two are not the same.", "두 비밀번호가 다릅니다.";
        password_same => "That is the one you have.", "현재 비밀번호와 같습니다.";
        password_change => "Change password", "비밀번호 바꾸기";
        password_text => "All your other sessions end when you change it.", "비밀번호를 바꾸면 다른 세션은 모두 종료됩니다.";
        password_changed => "The password is changed; all other sessions have ended", "비밀번호를 바꾸고 다른 세션을 모두 종료했습니다";
        password_not_changed => "The password was not changed", "비밀번호를 바꾸지 못했습니다";
        password_wrong => "The current password is not right.", "현재 비밀번호가 맞지 않습니다.";
        password_cluster_title => "Your password belongs to the cluster", "비밀번호는 클러스터에서 관리합니다";
        password_cluster_text => "Change it where you would without this dashboard: with passwd on a login node, or on your organisation’s password page.",
            "대시보드가 아닌 곳에서 바꾸세요. 로그인 노드에서 passwd를 사용하거나 소속 기관의 비밀번호 변경 페이지를 이용하면 됩니다.";
        password_oidc_title => "You sign in through your organisation", "소속 기관을 통해 로그인합니다";
        password_oidc_text => "This dashboard knows no password of yours. Change it at the identity provider.",
            "대시보드는 비밀번호를 보관하지 않습니다. 인증 제공자에서 바꾸세요.";

        language => "Language", "언어";
        language_help => "For this browser. Dates and numbers follow it.", "이 브라우저에 적용됩니다. 날짜와 숫자 표기도 바뀝니다.";
        theme => "Theme", "테마";
        theme_system => "As the system", "시스템 설정";
        theme_light => "Light", "밝게";
        theme_dark => "Dark", "어둡게";
        theme_help => "High contrast follows the system in either.", "고대비는 시스템 설정을 따릅니다.";
    }
}
