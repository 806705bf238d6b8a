//! Words that every page and component uses.
use crate::i18n::catalogue;

catalogue! {
    /// Words that every page and component uses.
    Common {
        close => "Close", "닫기";
        cancel => "Cancel", "취소";
        copy => "Copy", "복사";
        copied => "Copied", "복사했습니다";
        show_password => "Show password", "비밀번호 표시";
        hide_password => "Hide password", "비밀번호 숨기기";
        not_done => "This was not done", "처리하지 못했습니다";
        type_to_confirm(name: &str) => format!("Type {name} to confirm"), format!("확인을 위해 {name} 입력");
        load_more => "Load more", "더 불러오기";
        reload => "Read again", "다시 읽기";
        save => "Save", "저장";
        edit => "Edit", "편집";
        actions => "Actions", "동작";
        undo => "Undo", "되돌리기";
        retry => "Try again", "다시 시도";
        search => "Search", "검색";
        clear_filters => "Clear filters", "필터 지우기";
        optional => "optional", "선택";
        required => "required", "필수";
        loading => "Loading", "불러오는 중";
        none => "none", "없음";
        yes => "yes", "예";
        no => "no", "아니요";
        previous_page => "Previous page", "이전 페이지";
        next_page => "Next page", "다음 페이지";
        pages => "Pages", "페이지";
        page_of(page: &str, pages: &str) => format!("Page {page} of {pages}"), format!("{pages}쪽 중 {page}쪽");
        rows_of(first: &str, last: &str, total: &str) => format!("{first}–{last} of {total}"), format!("전체 {total}개 중 {first}–{last}");
        sort_by(column: &str) => format!("Sort by {column}"), format!("{column} 기준 정렬");
        steps => "Steps", "단계";
        step_done => "done", "완료";
        used_of(used: &str, total: &str) => format!("{used} of {total}"), format!("{total} 중 {used}");
        offline => "The server cannot be reached. Check the connection and try again.",
            "서버에 연결할 수 없습니다. 연결을 확인한 뒤 다시 시도하세요.";
        timed_out => "The server did not answer in time. Try again in a moment.",
            "서버가 제시간에 응답하지 않았습니다. 잠시 후 다시 시도하세요.";
        signed_out => "Your session has ended. Sign in again.", "세션이 종료되었습니다. 다시 로그인하세요.";
        unreadable(status: &str) => format!("The server’s answer could not be read (status {status}). Reload the page; it may be newer than this one."),
            format!("서버의 응답을 읽을 수 없습니다(상태 {status}). 서버가 갱신되었을 수 있으니 페이지를 새로 고치세요.");
        load_failed => "This could not be loaded", "불러오지 못했습니다";
        load_failed_safe => "Nothing was changed. What you see may be out of date.",
            "변경된 것은 없습니다. 화면의 정보가 최신이 아닐 수 있습니다.";
    }
}
