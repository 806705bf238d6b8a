//! `/nodes`.
use crate::i18n::catalogue;

catalogue! {
    /// `/nodes`.
    Nodes {
        title => "Nodes", "노드";
        context(online: &str, total: &str) => format!("{online} of {total} ready for work"), format!("{total}개 중 {online}개 사용 가능");
        view => "View", "보기";
        grid => "Grid", "그리드";
        table => "Table", "표";
        search => "Name, feature or reason", "이름, 특성 또는 사유";
        state => "State", "상태";
        any_state => "Any state", "모든 상태";
        partition => "Partition", "파티션";
        any_partition => "Any partition", "모든 파티션";
        node => "Node", "노드";
        cores => "Cores", "코어";
        memory => "Memory", "메모리";
        gpus => "GPUs", "GPU";
        load => "Load", "부하";
        partitions => "Partitions", "파티션";
        features => "Features", "특성";
        reason => "Reason", "사유";
        version => "Slurm version", "Slurm 버전";
        slurm_state => "Slurm says", "Slurm 상태";
        none_match_title => "No node matches these filters", "필터에 맞는 노드가 없습니다";
        none_match_text => "Widen the search, or clear the filters to see every node.", "검색어를 바꾸거나 필터를 지우면 모든 노드를 볼 수 있습니다.";
        why_drained => "It takes no new jobs", "새 작업을 받지 않습니다";
        why_down => "Slurm cannot use this node", "Slurm이 이 노드를 사용할 수 없습니다";
        why_drained_text(reason: &str) => format!("An administrator drained it: {reason}. Jobs that still run may finish."),
            format!("관리자가 드레인 상태로 설정했습니다: {reason}. 실행 중인 작업은 끝까지 진행됩니다.");
        why_down_text(reason: &str) => format!("Slurm’s reason: {reason}."), format!("Slurm이 알린 사유: {reason}.");
        why_todo => "Your waiting jobs start on other nodes. Ask your administrator if you need this one.",
            "대기 중인 작업은 다른 노드에서 시작됩니다. 이 노드가 필요하면 관리자에게 문의하세요.";
        unknown_reason => "no reason given", "사유 없음";
        cell(name: &str, state: &str, used: &str) => format!("{name}: {state}, {used} cores in use"),
            format!("{name}: {state}, 코어 {used} 사용 중");
        grid_label => "Nodes by state. Use the arrow keys to move between nodes.", "상태별 노드입니다. 화살표 키로 노드 사이를 이동할 수 있습니다.";
    }
}
