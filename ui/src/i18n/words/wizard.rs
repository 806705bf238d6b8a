//! `/jobs/new`.
use crate::i18n::catalogue;

catalogue! {
    /// `/jobs/new`.
    Wizard {
        title => "New job", "새 작업";
        jobs => "Jobs", "작업";
        step_template => "Template", "템플릿";
        step_files => "Files", "파일";
        step_settings => "Settings", "설정";
        step_review => "Review", "검토";
        next => "Next", "다음";
        back => "Back", "이전";
        discard => "Discard draft", "초안 삭제";
        discarded => "Draft discarded", "초안을 삭제했습니다";
        draft_kept => "Your draft is kept in this browser.", "초안은 이 브라우저에 저장됩니다.";

        choose_template => "What do you want to run?", "무엇을 실행할까요?";
        templates => "Templates", "템플릿";
        custom => "Custom Job", "사용자 정의 작업";
        custom_text => "Write the batch script yourself.", "배치 스크립트를 직접 작성합니다.";
        files_needed(count: &str) => format!("{count} files needed"), format!("필요한 파일 {count}개");
        file_needed => "1 file needed", "필요한 파일 1개";
        no_files_needed => "no files needed", "필요한 파일 없음";
        templates_not_loaded => "The templates could not be loaded", "템플릿을 불러오지 못했습니다";
        template_gone(name: &str) => format!("There is no template “{name}” (any more). Choose another one."),
            format!("“{name}” 템플릿이 없거나 삭제되었습니다. 다른 템플릿을 고르세요.");
        pick_one => "Choose a template to go on.", "계속하려면 템플릿을 고르세요.";

        add_files => "Which files does it need?", "어떤 파일이 필요한가요?";
        files_of(template: &str) => format!("Files of {template}"), format!("{template} 파일");
        file_there => "uploaded", "업로드됨";
        file_coming => "chosen, not uploaded yet", "선택됨, 업로드 전";
        file_missing => "required", "필수";
        file_optional => "optional", "선택 사항";
        matches(pattern: &str) => format!("matches {pattern}"), format!("{pattern} 형식");
        takes_no_files => "This template needs no files. Add some if your job reads them, or go on.",
            "이 템플릿에는 필요한 파일이 없습니다. 작업에서 읽을 파일이 있으면 추가하고, 없으면 계속하세요.";
        custom_files => "Files you upload reach the script as paths in its environment. Go on if you need none.",
            "업로드한 파일의 경로는 환경 변수로 스크립트에 전달됩니다. 필요 없으면 계속하세요.";
        wait_required(label: &str) => format!("Still missing: {label}."), format!("아직 없는 파일: {label}.");
        wait_start => "Start the upload, or remove the files you don’t need.", "업로드를 시작하거나 필요 없는 파일을 제거하세요.";
        wait_running => "Wait until the uploads are done.", "업로드가 끝날 때까지 기다리세요.";
        wait_failed => "One upload did not finish. Try it again or remove it.", "끝나지 않은 업로드가 있습니다. 다시 시도하거나 제거하세요.";
        recall_failed => "The files of your draft could not be looked up", "초안의 파일을 확인하지 못했습니다";

        how => "How should it run?", "어떻게 실행할까요?";
        job => "Job", "작업";
        resources => "Resources", "자원";
        parameters => "Parameters", "매개변수";
        job_name => "Job name", "작업 이름";
        partition => "Partition", "파티션";
        default_partition => "Default partition", "기본 파티션";
        partition_choice(name: &str, nodes: &str, time: &str) => format!("{name}: {nodes} nodes, up to {time}"), format!("{name}: 노드 {nodes}개, 최대 {time}");
        partition_choice_unlimited(name: &str, nodes: &str) => format!("{name}: {nodes} nodes"), format!("{name}: 노드 {nodes}개");
        partition_down(name: &str) => format!("{name} (closed)"), format!("{name} (닫힘)");
        nodes => "Nodes", "노드 수";
        tasks => "Tasks", "태스크 수";
        tasks_help => "Over all nodes.", "전체 노드 합계.";
        cpus => "CPUs per task", "태스크당 CPU 수";
        memory => "Memory per node", "노드당 메모리";
        memory_help => "Such as 8G or 500M.", "예: 8G, 500M.";
        gpus => "GPUs per node", "노드당 GPU 수";
        time => "Time limit", "시간 제한";
        time_help => "D-HH:MM:SS, HH:MM:SS, or minutes.", "일-시:분:초, 시:분:초 또는 분 단위.";
        no_gpus => "This partition has none.", "이 파티션에는 없습니다.";
        up_to(limit: &str) => format!("Up to {limit} here."), format!("여기서는 최대 {limit}.");
        between(min: &str, max: &str) => format!("{min} to {max}."), format!("{min}–{max}.");
        at_least(min: &str) => format!("At least {min}."), format!("{min} 이상.");
        at_most(max: &str) => format!("At most {max}."), format!("{max} 이하.");
        script => "Script", "스크립트";
        script_help => "A batch script. The settings above win over its #SBATCH lines.", "배치 스크립트입니다. 위의 설정이 스크립트의 #SBATCH 줄보다 우선합니다.";

        wrong_name => "Give the job a name of 1 to 128 characters.", "작업 이름을 1–128자로 입력하세요.";
        wrong_count => "Enter a whole number from 1.", "1 이상의 정수를 입력하세요.";
        wrong_gpus => "Enter a whole number from 0.", "0 이상의 정수를 입력하세요.";
        wrong_memory => "Enter an amount such as 8G or 500M.", "8G, 500M과 같은 형식으로 입력하세요.";
        wrong_time => "Enter a time such as 1:30:00, 2-00:00:00, or minutes.", "1:30:00, 2-00:00:00과 같은 형식이나 분 단위로 입력하세요.";
        wrong_script => "Write the script.", "스크립트를 입력하세요.";
        wrong_script_start => "Its first line must name its interpreter, such as #!/bin/bash.", "첫 줄에 #!/bin/bash와 같은 인터프리터를 지정하세요.";
        wrong_too_many(limit: &str) => format!("This partition has {limit} at most."), format!("이 파티션에서는 최대 {limit}입니다.");
        wrong_required => "Fill this in.", "값을 입력하세요.";
        wrong_integer => "Enter a whole number.", "정수를 입력하세요.";
        wrong_number => "Enter a number.", "숫자를 입력하세요.";
        fix_first => "Some settings need your attention. They are marked above.", "확인이 필요한 설정이 있습니다. 위에 표시되어 있습니다.";

        check => "Check and submit", "확인하고 제출하세요";
        exact_script => "The exact script", "실제 제출될 스크립트";
        fits => "It fits right now", "지금 바로 시작할 수 있습니다";
        fits_text => "The partition has room for it; it should start at once.", "파티션에 여유가 있어 바로 시작될 예정입니다.";
        fits_not => "It will wait for room", "자원이 날 때까지 대기합니다";
        fits_not_text => "What it asks for is in use at the moment. It starts when jobs before it end.",
            "요청한 자원이 현재 사용 중입니다. 앞선 작업이 끝나면 시작됩니다.";
        warnings => "Good to know", "알아 두세요";
        preview_failed => "The job can’t be submitted like this", "이대로는 제출할 수 없습니다";
        preview_failed_else => "The script could not be written", "스크립트를 만들지 못했습니다";
        to_settings => "Change the settings", "설정 변경";
        submit => "Submit Job", "작업 제출";
        submitted => "Job submitted successfully", "작업을 제출했습니다";
        submit_failed => "The job was not submitted", "작업이 제출되지 않았습니다";
    }
}
