//! Permissions, sessions and keys: what one's own profile and the pages for administrators both tell of.
use crate::i18n::catalogue;

catalogue! {
    /// Permissions, sessions and keys.
    Access {
        area_job => "Jobs", "작업";
        area_node => "Cluster", "클러스터";
        area_data => "Data", "데이터";
        area_template => "Templates", "템플릿";
        area_user => "Accounts", "계정";
        area_audit => "Audit log", "감사 로그";
        area_event => "Security events", "보안 이벤트";
        job_view => "See jobs and their output", "작업과 출력 보기";
        job_submit => "Submit jobs and cancel own ones", "작업 제출 및 내 작업 취소";
        job_manage => "See and change everybody’s jobs", "모든 사용자의 작업 보기 및 변경";
        node_view => "See nodes and partitions", "노드와 파티션 보기";
        data_read => "Read own files", "내 파일 읽기";
        data_write => "Upload and delete own files", "내 파일 업로드 및 삭제";
        template_view => "See templates", "템플릿 보기";
        user_view => "See accounts, their sessions and keys", "계정, 세션, 키 보기";
        user_manage => "Make, change and delete accounts", "계정 생성, 변경, 삭제";
        audit_view => "Read and export the audit log", "감사 로그 열람 및 내보내기";
        event_view => "See security events", "보안 이벤트 보기";
        event_manage => "Mark security events as dealt with", "보안 이벤트 처리 완료 표시";

        source_local => "Dashboard account", "대시보드 계정";
        source_cluster => "Cluster account", "클러스터 계정";
        source_oidc => "Single sign-on", "통합 로그인";

        browser_on(browser: &str, system: &str) => format!("{browser} on {system}"), format!("{system}의 {browser}");
        unknown_device => "Unknown device", "알 수 없는 기기";
        device => "Device", "기기";
        address => "Address", "주소";
        signed_in => "Signed in", "로그인";
        last_used => "Last used", "마지막 사용";
        ends => "Ends", "만료";
        this_session => "This session", "현재 세션";
        end_session => "End this", "종료";
        end_session_of(device: &str) => format!("End the session of {device}"), format!("{device} 세션 종료");
        end_title(device: &str) => format!("End the session on {device}?"), format!("{device} 세션을 종료할까요?");
        end_text => "Whoever uses it must sign in again. What was begun there, such as uploads, stops; jobs go on.",
            "해당 기기에서는 다시 로그인해야 합니다. 업로드 등 진행 중이던 것은 중단되지만 작업은 계속 실행됩니다.";
        end_verb => "End session", "세션 종료";
        session_ended => "The session has ended", "세션을 종료했습니다";
        sessions_ended(count: &str) => format!("Sessions ended: {count}"), format!("종료한 세션: {count}개");
        no_sessions_title => "No open sessions", "열린 세션이 없습니다";
        no_sessions_text => "There is one for every browser and program that is signed in.",
            "로그인한 브라우저와 프로그램마다 하나씩 표시됩니다.";

        key_name => "Name", "이름";
        key_state => "State", "상태";
        key_scopes => "May", "권한";
        key_made => "Created", "생성";
        key_expires => "Expires", "만료";
        key_never => "never", "없음";
        key_active => "Active", "사용 가능";
        key_soon => "Expires soon", "곧 만료";
        key_expired => "Expired", "만료됨";
        key_revoked => "Revoked", "폐기됨";
        never_used => "never", "사용 안 함";
        revoke => "Revoke", "폐기";
        revoke_of(name: &str) => format!("Revoke the key {name}"), format!("{name} 키 폐기");
        revoke_title(name: &str) => format!("Revoke {name}?"), format!("{name} 키를 폐기할까요?");
        revoke_text => "Programs that use this key are refused from now on. A key that was revoked can’t be brought back.",
            "이 키를 쓰는 프로그램은 바로 거부됩니다. 폐기한 키는 되살릴 수 없습니다.";
        revoke_verb => "Revoke key", "키 폐기";
        key_is_revoked => "The key is revoked", "키를 폐기했습니다";

        last_admin => "This is the last account that can manage accounts. Give another one that role first, so that nobody is locked out.",
            "계정을 관리할 수 있는 마지막 계정입니다. 먼저 다른 계정에 같은 역할을 부여하세요.";
        own_account => "You can’t do this to your own account: you would lock yourself out. Ask another administrator.",
            "자신의 계정에는 할 수 없습니다. 스스로 접근하지 못하게 되므로 다른 관리자에게 요청하세요.";
        gone => "It is no longer there: somebody may have removed it meanwhile.", "이미 없어졌습니다. 다른 사람이 삭제했을 수 있습니다.";
        password_missing => "Enter a password.", "비밀번호를 입력하세요.";
        password_short(left: &str) => format!("Too short: {left} more to go. Length is what makes it strong."),
            format!("너무 짧습니다. {left}바이트가 더 필요합니다. 길수록 안전합니다.");
        password_long => "Too long: at most 1,024 bytes.", "너무 깁니다. 최대 1,024바이트입니다.";
        password_fair => "Long enough. A few words more make it stronger still.", "길이가 충분합니다. 단어를 더하면 더 안전합니다.";
        password_strong => "Good and long.", "충분히 길고 안전합니다.";
        password_help => "At least 12 bytes; a sentence is easier to remember than signs.",
            "12바이트 이상이면 됩니다. 기호보다 문장이 외우기 쉽습니다.";
        forbidden_title => "This page is not for you", "이 페이지를 볼 권한이 없습니다";
        forbidden_text => "Your account does not have the permission for it. If you need it for your work, ask an administrator for a role that has it.",
            "현재 계정에는 필요한 권한이 없습니다. 업무에 필요하면 관리자에게 해당 권한이 있는 역할을 요청하세요.";
        your_permissions => "See what you may do", "내 권한 보기";
    }
}
