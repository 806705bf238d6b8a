//! The log view.
use crate::i18n::catalogue;

catalogue! {
    /// The log view.
    Log {
        follow => "Follow", "따라가기";
        pause => "Pause", "일시 중지";
        resume => "Resume", "다시 시작";
        paused(lines: &str) => format!("Paused. {lines} new lines wait."), format!("일시 중지됨. 새로운 줄 {lines}개가 대기 중입니다.");
        wrap => "Wrap lines", "줄 바꿈";
        search => "Search in the output", "출력에서 검색";
        matches(at: &str, count: &str) => format!("{at} of {count}"), format!("{count}개 중 {at}");
        no_match => "no match", "일치 없음";
        previous => "Previous match", "이전 일치";
        next => "Next match", "다음 일치";
        copy => "Copy", "복사";
        copied => "Copied", "복사했습니다";
        most_matches(at: &str, count: &str) => format!("{at} of {count} or more"), format!("{count}개 이상 중 {at}");
        earlier => "Load earlier", "이전 출력 불러오기";
        earlier_loading => "Loading…", "불러오는 중…";
        download => "Download", "다운로드";
        following => "Following the end of the output", "출력의 끝을 따라가고 있습니다";
        not_following => "No longer following the end", "출력의 끝을 따라가지 않습니다";
        jumped(size: &str) => format!("The job wrote faster than can be shown; {size} were left out here."), format!("출력 속도가 너무 빨라 {size}를 건너뛰었습니다.");
        earlier_cut(size: &str) => format!("The first {size} are not shown."), format!("앞부분({size})은 표시되지 않습니다.");
        lines_cut(lines: &str) => format!("Only the last {lines} lines are shown; the file has everything."), format!("마지막 {lines}줄만 표시됩니다. 전체 내용은 파일에 있습니다.");
        waiting => "No output yet. It appears here as soon as the job writes something.", "아직 출력이 없습니다. 작업이 출력을 기록하면 여기에 표시됩니다.";
        not_started => "The job has not started; there is no output yet.", "작업이 아직 시작되지 않아 출력이 없습니다.";
        empty => "The job wrote nothing here.", "작업이 기록한 출력이 없습니다.";
        live => "Live", "실시간";
        polling => "Reconnecting; still updating every few seconds", "다시 연결하는 중, 몇 초마다 갱신됩니다";
        failed => "The output could not be read", "출력을 읽지 못했습니다";
    }
}
