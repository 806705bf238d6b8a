//! `/jobs`.
use crate::i18n::catalogue;

catalogue! {
    /// `/jobs`.
    Jobs {
        title => "Jobs", "작업";
        context(total: &str) => format!("{total} in all"), format!("모두 {total}개");
        context_filtered(total: &str) => format!("{total} match the filters"), format!("필터에 맞는 작업 {total}개");
        new_job => "New Job", "새 작업";
        whose => "Whose jobs", "작업 범위";
        mine => "My jobs", "내 작업";
        everyone => "All jobs", "전체 작업";
        search => "Name or job number", "이름 또는 작업 번호";
        user_filter => "User", "사용자";
        state_filter => "State", "상태";
        any_state => "Any state", "모든 상태";
        active => "Active", "진행 중";
        finished => "Finished", "종료됨";
        partition_filter => "Partition", "파티션";
        any_partition => "Any partition", "모든 파티션";
        id => "Job", "작업";
        name => "Name", "이름";
        user => "User", "사용자";
        partition => "Partition", "파티션";
        state => "State", "상태";
        nodes => "Nodes", "노드";
        cpus => "CPUs", "CPU";
        time => "Time", "시간";
        submitted => "Submitted", "제출";
        started => "Started", "시작";
        of_limit(limit: &str) => format!("of {limit}"), format!("/ {limit}");
        none_title => "You have no jobs yet", "아직 작업이 없습니다";
        none_text => "Pick a template, add your files, and submit. Your jobs then appear here and update by themselves.",
            "템플릿을 고르고 파일을 올린 뒤 제출하세요. 작업이 여기에 표시되고 자동으로 갱신됩니다.";
        none_at_all_title => "No jobs on this cluster", "이 클러스터에 작업이 없습니다";
        none_at_all_text => "As soon as somebody submits a job it appears here.", "누군가 작업을 제출하면 여기에 표시됩니다.";
        none_match_title => "No job matches these filters", "필터에 맞는 작업이 없습니다";
        none_match_text => "Widen the search, or clear the filters.", "검색 조건을 넓히거나 필터를 지우세요.";
        choose_template => "Choose a template", "템플릿 고르기";
        see_all => "See all jobs", "전체 작업 보기";
        tasks(count: &str) => format!("{count} tasks"), format!("태스크 {count}개");
        show_tasks(id: &str) => format!("Show the tasks of array {id}"), format!("배열 {id}의 태스크 보기");
        hide_tasks(id: &str) => format!("Hide the tasks of array {id}"), format!("배열 {id}의 태스크 숨기기");
        all_tasks(count: &str) => format!("All {count} tasks"), format!("태스크 {count}개 모두 보기");
        fold => "Fold arrays", "배열 접기";
        select => "Select", "선택";
        select_job(id: &str, name: &str) => format!("Select job {id}, {name}"), format!("작업 {id}, {name} 선택");
        select_page => "Select all jobs on this page", "이 페이지의 작업 모두 선택";
        not_refreshed => "The list could not be refreshed", "목록을 새로 고치지 못했습니다";
    }
}
