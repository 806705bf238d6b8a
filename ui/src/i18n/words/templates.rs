//! `/templates` and `/templates/<id>`.
use crate::i18n::catalogue;

catalogue! {
    /// `/templates` and `/templates/<id>`.
    Templates {
        title => "Templates", "템플릿";
        context(count: &str) => format!("{count} ready to use"), format!("{count}개 사용 가능");
        search => "Name or description", "이름 또는 설명";
        category => "Category", "분류";
        any_category => "All categories", "모든 분류";
        use_it => "Use this template", "이 템플릿 사용";
        private => "Private", "비공개";
        public => "Public", "공개";
        empty_title => "There are no templates yet", "아직 템플릿이 없습니다";
        empty_text => "An administrator adds them as YAML files to the template folder. You can still submit a script of your own.",
            "관리자가 템플릿 폴더에 YAML 파일을 추가하면 표시됩니다. 직접 작성한 스크립트는 지금도 제출할 수 있습니다.";
        custom_job => "Custom Job", "사용자 정의 작업";
        none_match_title => "No template matches", "조건에 맞는 템플릿이 없습니다";
        none_match_text => "Try another word, or look in all categories.", "다른 검색어를 쓰거나 모든 분류에서 찾아보세요.";
        problems_title(count: &str) => format!("Template files that could not be read: {count}"), format!("읽지 못한 템플릿 파일: {count}개");
        problems_text => "The other templates still work. Once a file is corrected it loads by itself.",
            "다른 템플릿은 정상적으로 사용할 수 있습니다. 파일을 고치면 자동으로 다시 읽습니다.";
        line_column(line: &str, column: &str) => format!("line {line}, column {column}"), format!("{line}행 {column}열");
        line(line: &str) => format!("line {line}"), format!("{line}행");
        back => "Templates", "템플릿";
        settings => "Suggested settings", "권장 설정";
        parameters => "Parameters", "매개변수";
        files => "Files", "파일";
        script => "Script", "스크립트";
        script_help => "Parameters and files reach the script as environment variables.", "매개변수와 파일은 환경 변수로 스크립트에 전달됩니다.";
        no_parameters => "This template asks for nothing else.", "이 템플릿에는 입력할 매개변수가 없습니다.";
        no_files => "This template needs no files.", "이 템플릿에는 파일이 필요하지 않습니다.";
        name => "Name", "이름";
        kind => "Type", "종류";
        default => "Default", "기본값";
        allowed => "Allowed", "허용 값";
        pattern => "File name", "파일 이름";
        any_name => "any", "제한 없음";
        variable => "Variable", "변수";
        needed => "Needed", "필요 여부";
        from(low: &str) => format!("from {low}"), format!("{low} 이상");
        up_to(high: &str) => format!("up to {high}"), format!("{high} 이하");
        between(low: &str, high: &str) => format!("{low} to {high}"), format!("{low}–{high}");
        text => "text", "텍스트";
        integer => "whole number", "정수";
        number => "number", "숫자";
        boolean => "yes or no", "예/아니요";
        choice => "choice", "선택";
        partition => "Partition", "파티션";
        nodes => "Nodes", "노드";
        tasks => "Tasks", "태스크";
        cpus_per_task => "Cores per task", "태스크당 코어";
        memory => "Memory per node", "노드당 메모리";
        gpus => "GPUs per node", "노드당 GPU";
        time => "Time limit", "시간 제한";
        missing_title => "There is no such template", "해당 템플릿이 없습니다";
        missing_text => "It may have been renamed or removed from the template folder.", "이름이 바뀌었거나 템플릿 폴더에서 삭제되었을 수 있습니다.";
        needs_files(count: &str) => format!("{count} files"), format!("파일 {count}개");
        one_file => "1 file", "파일 1개";
        needs_parameters(count: &str) => format!("{count} parameters"), format!("매개변수 {count}개");
        one_parameter => "1 parameter", "매개변수 1개";
    }
}
