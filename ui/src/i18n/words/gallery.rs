//! `/gallery`.
use crate::i18n::catalogue;

catalogue! {
    /// `/gallery`.
    Gallery {
        title => "Gallery", "갤러리";
        context => "Every component in its states, in both themes.", "모든 구성 요소를 두 테마에서 상태별로 보여 줍니다.";
        demo_only => "The gallery is part of the demo cluster only.", "갤러리는 데모 클러스터에서만 제공됩니다.";
        states => "States", "상태";
        buttons => "Buttons", "버튼";
        fields => "Fields", "입력란";
        meters => "Meters", "사용량 표시";
        heat => "Heat grid", "노드 그리드";
        tables => "Table", "표";
        strips => "Array tasks", "배열 태스크";
        logs => "Output", "출력";
        messages => "Messages", "메시지";
        navigation => "Steps, tabs, pages", "단계, 탭, 페이지";
        reading => "Code and explanations", "코드와 설명";
        waiting => "Waiting and empty", "로딩과 빈 상태";
        floating => "Dialog and toast", "대화 상자와 알림";
        type_scale => "Type", "글자";
        submit => "Submit Job", "작업 제출";
        secondary => "Export", "내보내기";
        danger => "Cancel 3 jobs", "작업 3개 취소";
        ghost => "Dismiss", "닫기";
        busy => "Submitting", "제출 중";
        disabled => "Disabled", "사용할 수 없음";
        job_name => "Job name", "작업 이름";
        job_name_help => "1 to 128 characters.", "1–128자로 입력하세요.";
        job_name_error => "Give the job a name.", "작업 이름을 입력하세요.";
        partition => "Partition", "파티션";
        notify => "Tell me when it ends", "작업이 끝나면 알림";
        open_dialog => "Open dialog", "대화 상자 열기";
        dialog_title => "Cancel 3 jobs?", "작업 3개를 취소할까요?";
        dialog_text => "They stop within a minute. Output that was written stays.", "1분 안에 중지됩니다. 이미 기록된 출력은 그대로 남습니다.";
        show_toast => "Show toast", "알림 표시";
        toast_text => "Job 1042 cancelled", "작업 1042를 취소했습니다";
        sample => "The quick brown fox jumps over 0123456789", "다람쥐 헌 쳇바퀴에 타고파 0123456789";
        explain_what => "It waits for 2 GPUs", "GPU 2개를 기다리고 있습니다";
        explain_why => "All 4 GPUs of partition viz are in use by 3 jobs.", "viz 파티션의 GPU 4개를 모두 작업 3개가 사용 중입니다.";
        explain_todo => "It should start at about 14:20. A job that asks for 1 GPU could start now.",
            "14:20경에 시작될 예정입니다. GPU 1개만 요청하면 지금 시작할 수 있습니다.";
    }
}
