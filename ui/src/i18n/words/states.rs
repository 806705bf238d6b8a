//! The words of states, of jobs and of nodes.
use crate::i18n::catalogue;

catalogue! {
    /// The words of states, of jobs and of nodes.
    States {
        pending => "Pending", "대기";
        configuring => "Configuring", "준비 중";
        running => "Running", "실행 중";
        completing => "Completing", "마무리 중";
        suspended => "Suspended", "일시 중지";
        completed => "Completed", "완료";
        failed => "Failed", "실패";
        cancelled => "Cancelled", "취소됨";
        timeout => "Timed out", "시간 초과";
        node_fail => "Node failed", "노드 장애";
        out_of_memory => "Out of memory", "메모리 부족";
        preempted => "Preempted", "선점됨";
        boot_fail => "Boot failed", "부팅 실패";
        deadline => "Past deadline", "기한 초과";
        unknown => "Unknown", "알 수 없음";
        idle => "Idle", "유휴";
        mixed => "Mixed", "일부 사용";
        allocated => "Allocated", "전체 사용";
        drain => "Drained", "드레인";
        down => "Down", "다운";
        maintenance => "Maintenance", "점검";
    }
}
