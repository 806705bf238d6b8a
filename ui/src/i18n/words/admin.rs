//! `/admin`: accounts and roles.
use crate::i18n::catalogue;

catalogue! {
    /// `/admin`: accounts and roles.
    Admin {
        title => "Admin", "관리";
        sections => "Sections of administration", "관리 구역";
        users => "Users", "사용자";
        roles => "Roles", "역할";
        audit => "Audit log", "감사 로그";
        events => "Security events", "보안 이벤트";

        users_total(count: &str) => format!("{count} accounts"), format!("계정 {count}개");
        search => "Name, Unix user or mail", "이름, Unix 사용자, 메일";
        name => "Name", "이름";
        role => "Role", "역할";
        any_role => "Any role", "모든 역할";
        state => "State", "상태";
        any_state => "Any state", "모든 상태";
        active => "Active", "사용 중";
        disabled => "Disabled", "사용 중지";
        source => "Signs in with", "로그인 방식";
        any_source => "Any kind of account", "모든 계정 종류";
        unix_user => "Unix user", "Unix 사용자";
        email => "Mail", "메일";
        sessions => "Sessions", "세션";
        keys => "API keys", "API 키";
        last_login => "Last sign-in", "마지막 로그인";
        never => "never", "없음";
        made => "Created", "생성";
        permissions => "What they may do", "할 수 있는 일";
        id => "Id", "ID";
        none_match_title => "No account matches", "조건에 맞는 계정이 없습니다";
        none_match_text => "Try another word or fewer filters.", "다른 검색어를 쓰거나 필터를 줄여 보세요.";
        searched_text => "None among those that were looked at so far.", "지금까지 찾아본 범위에는 없습니다.";
        none_title => "No accounts yet", "아직 계정이 없습니다";
        none_text => "Create the first one, or let people sign in with the cluster’s accounts.",
            "첫 계정을 만들거나 클러스터 계정으로 로그인하게 하세요.";

        new_user => "New User", "새 사용자";
        new_user_title => "New user", "새 사용자";
        name_help => "What they sign in with. It can’t be changed later.", "로그인할 때 쓰는 이름입니다. 나중에 바꿀 수 없습니다.";
        name_missing => "Enter a name.", "이름을 입력하세요.";
        unix_help => "Whose jobs and files are theirs. Empty for nobody’s.", "작업과 파일의 소유자가 되는 사용자입니다. 없으면 비워 두세요.";
        roles_help => "What they may do. Without one they see nothing.", "할 수 있는 일을 정합니다. 역할이 없으면 아무것도 볼 수 없습니다.";
        password => "Password", "비밀번호";
        password_random => "Make one up", "임의로 생성";
        password_random_help => "It is shown once, for you to pass on.", "한 번만 표시되므로 사용자에게 전달하세요.";
        password_typed => "Type one", "직접 입력";
        create => "Create user", "사용자 만들기";
        not_created => "The account was not created", "계정을 만들지 못했습니다";
        created(name: &str) => format!("{name} can sign in now"), format!("{name} 사용자가 이제 로그인할 수 있습니다");
        password_made_title(name: &str) => format!("The password of {name}"), format!("{name} 사용자의 비밀번호");
        password_made_once => "This is the only time that it is shown", "지금 한 번만 표시됩니다";
        password_made_text => "Pass it on by a way that others do not read. They should change it at their first sign-in, under Profile.",
            "다른 사람이 볼 수 없는 방법으로 전달하세요. 처음 로그인한 뒤 프로필에서 바꾸도록 안내하세요.";
        password_kept => "I have passed it on", "전달했습니다";

        missing_title => "There is no such account", "해당 계정이 없습니다";
        missing_text => "It may have been deleted.", "삭제되었을 수 있습니다.";
        back => "Users", "사용자";
        facts => "Account", "계정";
        this_is_you => "This is you", "내 계정";
        edit_title(name: &str) => format!("Change {name}"), format!("{name} 변경");
        saved => "Saved", "저장했습니다";
        not_saved => "This was not saved", "저장하지 못했습니다";
        nothing_changed => "Nothing was changed.", "변경한 내용이 없습니다.";
        unknown_role => "not in the configuration: gives nothing", "설정에 없는 역할: 권한 없음";
        no_roles => "No roles are configured.", "설정된 역할이 없습니다.";
        more => "More", "더 보기";
        disable => "Disable", "사용 중지";
        disable_title(name: &str) => format!("Disable {name}?"), format!("{name} 계정을 사용 중지할까요?");
        disable_text(sessions: &str) => format!("They are signed out at once everywhere (open sessions: {sessions}) and can’t sign in; their API keys are refused. Jobs that run go on, and nothing is deleted."),
            format!("모든 곳에서 바로 로그아웃되며(열린 세션 {sessions}개) 로그인할 수 없고 API 키도 거부됩니다. 실행 중인 작업은 계속되고 아무것도 삭제되지 않습니다.");
        is_disabled(name: &str) => format!("{name} is disabled"), format!("{name} 계정을 사용 중지했습니다");
        enable => "Enable", "사용 재개";
        enable_title(name: &str) => format!("Enable {name}?"), format!("{name} 계정을 다시 사용하게 할까요?");
        enable_text => "They can sign in again, with the roles and keys that they had.", "이전 역할과 키로 다시 로그인할 수 있습니다.";
        is_enabled(name: &str) => format!("{name} is enabled"), format!("{name} 계정을 다시 사용할 수 있습니다");
        unlock => "Unlock", "잠금 해제";
        unlock_title(name: &str) => format!("Unlock {name}?"), format!("{name} 계정의 잠금을 해제할까요?");
        unlock_text => "The waiting time after failed sign-ins is lifted. Do this when you know that it was them who mistyped.",
            "로그인 실패로 생긴 대기 시간을 없앱니다. 본인이 잘못 입력한 것이 확실할 때 하세요.";
        is_unlocked(name: &str) => format!("{name} can try again"), format!("{name} 사용자가 다시 시도할 수 있습니다");
        reset => "Reset password", "비밀번호 재설정";
        reset_title(name: &str) => format!("A new password for {name}"), format!("{name} 사용자의 새 비밀번호");
        reset_text => "The old one is no longer good, and all their sessions end.", "이전 비밀번호는 쓸 수 없게 되고 모든 세션이 종료됩니다.";
        reset_verb => "Set password", "비밀번호 설정";
        not_reset => "The password was not changed", "비밀번호를 바꾸지 못했습니다";
        is_reset(name: &str) => format!("{name} has a new password"), format!("{name} 사용자의 비밀번호를 바꿨습니다");
        delete => "Delete", "삭제";
        delete_title(name: &str) => format!("Delete {name}?"), format!("{name} 계정을 삭제할까요?");
        delete_text => "The account, its sessions and its API keys are gone for good. Jobs, files and the audit log stay. To keep somebody out for a while, disable the account instead.",
            "계정과 세션, API 키가 영구히 삭제됩니다. 작업과 파일, 감사 로그는 남습니다. 잠시 막으려면 삭제 대신 사용 중지하세요.";
        delete_verb => "Delete account", "계정 삭제";
        is_deleted(name: &str) => format!("{name} is deleted"), format!("{name} 계정을 삭제했습니다");
        end_all => "End all", "모두 종료";
        end_all_title(name: &str) => format!("End all sessions of {name}?"), format!("{name} 사용자의 모든 세션을 종료할까요?");
        end_all_text => "They are signed out everywhere and can sign in again.", "모든 곳에서 로그아웃되며 다시 로그인할 수 있습니다.";
        no_keys_title => "No API keys", "API 키가 없습니다";
        no_keys_text => "Only the owner can create keys, under Profile.", "키는 소유자만 프로필에서 만들 수 있습니다.";
        recent => "Recent actions", "최근 활동";
        all_actions => "All actions", "전체 활동";
        no_recent => "Nothing has been done by this account yet.", "이 계정의 활동 기록이 없습니다.";

        roles_text => "What each role allows. Roles are set in the configuration file, under auth.roles; a change is in force after a restart.",
            "역할별 권한입니다. 역할은 설정 파일의 auth.roles에서 정하며 재시작하면 적용됩니다.";
        permission => "Permission", "권한";
        allowed => "allowed", "허용";
        not_allowed => "not allowed", "허용 안 됨";
        people_with(role: &str) => format!("Accounts with the role {role}"), format!("{role} 역할이 있는 계정");
    }
}
