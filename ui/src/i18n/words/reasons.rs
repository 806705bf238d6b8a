//! Why a job waits, in a few words for lists; the job's page has the server's whole explanation.
use crate::i18n::catalogue;

catalogue! {
    /// Why a job waits, in a few words.
    Reasons {
        resources_short => "waiting for resources", "자원 대기";
        priority_short => "jobs ahead of it", "앞선 작업 대기";
        scheduling_short => "about to be scheduled", "스케줄링 대기";
        dependency_short => "waiting for another job", "다른 작업 대기";
        dependency_never_short => "dependency can’t be met", "선행 조건 충족 불가";
        begin_time_short => "start time not reached", "시작 시각 전";
        held_short => "held", "보류됨";
        partition_short => "partition not available", "파티션 사용 불가";
        partition_limit_short => "over the partition’s limit", "파티션 한도 초과";
        node_short => "nodes not available", "노드 사용 불가";
        reservation_short => "waiting for its reservation", "예약 시간 대기";
        limit_short => "limit reached", "사용 한도 도달";
        array_limit_short => "array limit", "배열 동시 실행 한도";
        licenses_short => "waiting for licences", "라이선스 대기";
        impossible_short => "can’t be satisfied", "충족 불가";
        account_short => "account or QOS refused", "계정 또는 QOS 오류";
        cleaning_short => "being cleaned up", "정리 중";
    }
}
