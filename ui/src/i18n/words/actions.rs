//! What can be done with jobs.
use crate::i18n::catalogue;

catalogue! {
    /// What can be done with jobs: the verbs, the questions before, and what became of it.
    Actions {
        cancel_one(id: &str) => format!("Cancel job {id}"), format!("작업 {id} 취소");
        cancel_many(count: &str) => format!("Cancel {count} jobs"), format!("작업 {count}개 취소");
        hold => "Hold", "보류";
        release => "Release", "보류 해제";
        requeue => "Requeue", "다시 대기열로";
        requeue_one(id: &str) => format!("Requeue job {id}"), format!("작업 {id} 다시 대기열로");
        requeue_many(count: &str) => format!("Requeue {count} jobs"), format!("작업 {count}개 다시 대기열로");
        suspend => "Suspend", "일시 중지";
        resume => "Resume", "재개";
        time_limit => "Change time limit…", "시간 제한 변경…";
        nice => "Change priority…", "우선순위 변경…";
        more => "More", "더 보기";
        resubmit => "Resubmit", "다시 제출";

        cancel_title_one(id: &str) => format!("Cancel job {id}?"), format!("{id}번 작업을 취소할까요?");
        cancel_title_many(count: &str) => format!("Cancel {count} jobs?"), format!("작업 {count}개를 취소할까요?");
        cancel_running => "What runs stops within a minute and can’t be resumed. What was written so far stays.",
            "실행 중인 작업은 1분 안에 중지되며 이어서 실행할 수 없습니다. 지금까지 기록된 결과는 그대로 남습니다.";
        cancel_pending => "It leaves the queue and loses its place. Its files stay.",
            "대기열에서 빠지고 순서를 잃습니다. 파일은 그대로 남습니다.";
        keep => "Keep it", "유지";
        keep_many => "Keep them", "유지";
        requeue_title_one(id: &str) => format!("Start job {id} from the beginning?"), format!("{id}번 작업을 처음부터 다시 시작할까요?");
        requeue_title_many(count: &str) => format!("Start {count} jobs from the beginning?"), format!("작업 {count}개를 처음부터 다시 시작할까요?");
        requeue_text => "It stops, goes back into the queue, and starts again from the beginning. What it writes may overwrite what is there.",
            "중지된 뒤 대기열로 돌아가 처음부터 다시 시작합니다. 기존 결과를 덮어쓸 수 있습니다.";
        and_more(count: &str) => format!("and {count} more"), format!("외 {count}개");
        which_jobs => "Jobs", "작업 목록";

        time_title_one(id: &str) => format!("Time limit of job {id}"), format!("{id}번 작업의 시간 제한");
        time_title_many(count: &str) => format!("Time limit of {count} jobs"), format!("작업 {count}개의 시간 제한");
        time_label => "New time limit", "새 시간 제한";
        time_help => "D-HH:MM:SS, HH:MM:SS, or minutes. Once a job runs, only an operator can give it more time.",
            "일-시:분:초, 시:분:초 또는 분 단위입니다. 실행이 시작된 뒤에는 운영자만 시간을 늘릴 수 있습니다.";
        time_set => "Set time limit", "시간 제한 설정";
        nice_title_one(id: &str) => format!("Priority of job {id}"), format!("{id}번 작업의 우선순위");
        nice_title_many(count: &str) => format!("Priority of {count} jobs"), format!("작업 {count}개의 우선순위");
        nice_label => "Nice value", "나이스 값";
        nice_help => "A higher value lets other jobs go first: 0 to 10000. Only an operator can go below 0.",
            "값이 클수록 다른 작업에 차례를 양보합니다(0–10000). 0보다 작은 값은 운영자만 사용할 수 있습니다.";
        nice_set => "Set nice value", "나이스 값 설정";
        nice_wrong => "Enter a whole number from -10000 to 10000.", "-10000부터 10000까지의 정수를 입력하세요.";

        cancelled_one(id: &str) => format!("Job {id} is being cancelled"), format!("{id}번 작업을 취소하고 있습니다");
        cancelled_many(count: &str) => format!("{count} jobs are being cancelled"), format!("작업 {count}개를 취소하고 있습니다");
        held_one(id: &str) => format!("Job {id} is on hold"), format!("{id}번 작업을 보류했습니다");
        held_many(count: &str) => format!("{count} jobs are on hold"), format!("작업 {count}개를 보류했습니다");
        released_one(id: &str) => format!("Job {id} is released"), format!("{id}번 작업의 보류를 해제했습니다");
        released_many(count: &str) => format!("{count} jobs are released"), format!("작업 {count}개의 보류를 해제했습니다");
        requeued_one(id: &str) => format!("Job {id} is back in the queue"), format!("{id}번 작업을 대기열로 돌려보냈습니다");
        requeued_many(count: &str) => format!("{count} jobs are back in the queue"), format!("작업 {count}개를 대기열로 돌려보냈습니다");
        suspended_one(id: &str) => format!("Job {id} is suspended"), format!("{id}번 작업을 일시 중지했습니다");
        suspended_many(count: &str) => format!("{count} jobs are suspended"), format!("작업 {count}개를 일시 중지했습니다");
        resumed_one(id: &str) => format!("Job {id} goes on"), format!("{id}번 작업을 재개했습니다");
        resumed_many(count: &str) => format!("{count} jobs go on"), format!("작업 {count}개를 재개했습니다");
        changed_one(id: &str) => format!("Job {id} is changed"), format!("{id}번 작업을 변경했습니다");
        changed_many(count: &str) => format!("{count} jobs are changed"), format!("작업 {count}개를 변경했습니다");

        none_done(count: &str) => format!("Not done for any of {count} jobs"), format!("작업 {count}개 모두 처리하지 못했습니다");
        one_not_done(id: &str) => format!("This could not be done with job {id}"), format!("{id}번 작업을 처리하지 못했습니다");
        some_done(done: &str, failed: &str) => format!("Done for {done}, not for {failed}"), format!("{done}개는 처리했고 {failed}개는 처리하지 못했습니다");
        not_sent => "Nothing was changed", "변경된 것이 없습니다";

        selected_one => "1 job selected", "작업 1개 선택됨";
        selected_many(count: &str) => format!("{count} jobs selected"), format!("작업 {count}개 선택됨");
        clear => "Clear selection", "선택 해제";
        bar => "What to do with the selected jobs", "선택한 작업 처리";
        of_selected(verb: &str, count: &str) => format!("{verb} ({count})"), format!("{verb} ({count})");
        nothing_fits => "Nothing can be done with these: they are over.", "이미 끝난 작업이라 할 수 있는 것이 없습니다.";
    }
}
