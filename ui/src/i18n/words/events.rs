//! `/admin/events`.
use crate::i18n::catalogue;

catalogue! {
    /// `/admin/events`.
    Events {
        context => "What looks like an attack or a mistake. The same from the same place within an hour is one event.",
            "공격이나 실수로 보이는 일입니다. 한 시간 안에 같은 곳에서 반복되면 하나로 묶습니다.";
        critical => "Critical", "심각";
        high => "High", "높음";
        medium => "Medium", "보통";
        low => "Low", "낮음";
        severity => "Severity", "심각도";
        any_severity => "Any severity", "모든 심각도";
        open => "Open", "미처리";
        resolved => "Dealt with", "처리됨";
        open_count(severity: &str, count: &str) => format!("{severity}: {count} open"), format!("{severity}: 미처리 {count}건");
        open_counts => "Open events by severity", "심각도별 미처리 이벤트";
        state => "State", "상태";
        any_state => "Open and dealt with", "전체 상태";
        kind => "Kind", "종류";
        any_kind => "Any kind", "모든 종류";
        login_failed => "Failed sign-in", "로그인 실패";
        login_throttled => "Sign-in slowed down", "로그인 시도 제한";
        token_reused => "Token used twice", "토큰 재사용";
        token_invalid => "Invalid token", "잘못된 토큰";
        key_invalid => "Invalid API key", "잘못된 API 키";
        limit_hit => "Rate limit reached", "요청 제한 도달";
        permission_refused => "Permission refused", "권한 거부";
        path_attack => "Path attack", "경로 공격";
        origin_refused => "Foreign origin refused", "외부 출처 거부";
        what => "What happened", "내용";
        times(count: &str) => format!("{count} times"), format!("{count}회");
        last => "Last", "마지막";
        first => "First", "처음";
        resolve => "Resolve", "처리";
        resolve_of(kind: &str) => format!("Resolve: {kind}"), format!("처리: {kind}");
        resolve_title => "Deal with this event", "이벤트 처리";
        note => "What was found and done", "확인한 내용과 조치";
        note_help => "For whoever looks at it later. Up to 2,000 characters.", "나중에 볼 사람을 위한 메모입니다. 최대 2,000자입니다.";
        note_long => "At most 2,000 characters.", "최대 2,000자입니다.";
        resolve_verb => "Mark as dealt with", "처리 완료로 표시";
        not_resolved => "The event was not changed", "이벤트를 변경하지 못했습니다";
        is_resolved => "Marked as dealt with", "처리 완료로 표시했습니다";
        resolved_by(name: &str) => format!("by {name}"), format!("{name} 처리");
        none_title => "Nothing to worry about", "걱정할 일이 없습니다";
        none_text => "There is no open event. New ones appear here by themselves.", "미처리 이벤트가 없습니다. 새 이벤트는 자동으로 나타납니다.";
        none_match_title => "No event matches", "조건에 맞는 이벤트가 없습니다";
        none_match_text => "Try a longer time or fewer filters.", "기간을 늘리거나 필터를 줄여 보세요.";
    }
}
