//! The frame around the pages: navigation, top bar, command palette, freshness, not found.
use crate::i18n::catalogue;

catalogue! {
    /// The frame around the pages.
    Shell {
        skip_to_content => "Skip to content", "본문으로 건너뛰기";
        navigation => "Main", "주 메뉴";
        dashboard => "Dashboard", "대시보드";
        jobs => "Jobs", "작업";
        new_job => "New Job", "새 작업";
        nodes => "Nodes", "노드";
        templates => "Templates", "템플릿";
        api_docs => "API docs", "API 문서";
        gallery => "Gallery", "갤러리";
        fold_navigation => "Fold the menu", "메뉴 접기";
        unfold_navigation => "Unfold the menu", "메뉴 펼치기";
        search_or_go => "Search or go to…", "검색 또는 이동…";
        palette_title => "Command palette", "명령 팔레트";
        palette_hint => "Type a page or an action", "페이지나 동작을 입력하세요";
        palette_find_job(text: &str) => format!("Find “{text}” in jobs"), format!("작업에서 “{text}” 찾기");
        palette_find_node(text: &str) => format!("Find “{text}” in nodes"), format!("노드에서 “{text}” 찾기");
        group_go => "Go to", "이동";
        group_do => "Do", "동작";
        group_find => "Find", "찾기";
        switch_language(name: &str) => format!("Switch to {name}"), format!("{name}로 바꾸기");
        theme_system => "Theme: as the system", "테마: 시스템 설정";
        theme_light => "Theme: light", "테마: 밝게";
        theme_dark => "Theme: dark", "테마: 어둡게";
        change_theme => "Change theme", "테마 바꾸기";
        admin => "Admin", "관리";
        profile => "Profile", "프로필";
        account => "Account", "계정";
        signed_in_as(name: &str) => format!("Signed in as {name}"), format!("{name} 계정으로 로그인됨");
        sign_out => "Sign out", "로그아웃";
        simulated => "Simulated", "시뮬레이션";
        simulated_hint => "This is the built-in demo cluster. Jobs really run, as processes on this machine.",
            "내장 데모 클러스터입니다. 작업은 이 컴퓨터에서 실제 프로세스로 실행됩니다.";
        live => "Live", "실시간";
        live_hint => "Changes appear by themselves.", "변경 사항이 자동으로 반영됩니다.";
        age(age: &str) => format!("{age} old"), format!("{age} 전 정보");
        connecting => "Connecting", "연결 중";
        not_answering(since: &str) => format!("Slurm not answering since {since}"), format!("{since}부터 Slurm이 응답하지 않음");
        never_answered => "Slurm has not answered yet", "Slurm이 아직 응답하지 않음";
        stale_title(since: &str) => format!("Slurm has not answered since {since}"), format!("{since} 이후 Slurm이 응답하지 않습니다");
        stale_text => "You see the last known state. Running jobs are not affected; this page recovers by itself.",
            "마지막으로 확인된 상태를 표시하고 있습니다. 실행 중인 작업에는 영향이 없으며, 응답이 돌아오면 자동으로 갱신됩니다.";
        stale_text_because(problem: &str) =>
            format!("You see the last known state. Running jobs are not affected; this page recovers by itself. Slurm’s words: {problem}"),
            format!("마지막으로 확인된 상태를 표시하고 있습니다. 실행 중인 작업에는 영향이 없으며, 응답이 돌아오면 자동으로 갱신됩니다. Slurm의 메시지: {problem}");
        backup_in_charge(host: &str) => format!("{host} is in charge"), format!("{host} 서버가 제어 중");
        controller_silent(host: &str) => format!("{host} does not answer"), format!("{host} 서버가 응답하지 않음");
        no_controller_answers(hosts: &str) => format!("No controller answers: {hosts}."),
            format!("응답하는 컨트롤러가 없습니다: {hosts}.");
        not_taken_over(silent: &str, next: &str) =>
            format!("{silent} does not answer, and {next} has not taken over yet."),
            format!("{silent} 서버가 응답하지 않으며, {next} 서버가 아직 제어를 넘겨받지 않았습니다.");
        seconds(count: &str) => format!("{count} s"), format!("{count}초");
        minutes(count: &str) => format!("{count} min"), format!("{count}분");
        hours(count: &str) => format!("{count} h"), format!("{count}시간");
        not_found_title => "There is no page here", "페이지를 찾을 수 없습니다";
        not_found_text(path: &str) => format!("{path} leads nowhere. It may have been mistyped, or the link is old."),
            format!("{path} 주소에는 페이지가 없습니다. 주소를 잘못 입력했거나 오래된 링크일 수 있습니다.");
        to_dashboard => "Go to the dashboard", "대시보드로 이동";
        dismiss => "Dismiss", "닫기";
        notifications => "Messages", "알림";
    }
}
