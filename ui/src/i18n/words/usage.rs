//! How well a job used what it asked for.
use crate::i18n::catalogue;

catalogue! {
    /// How well a job used what it asked for.
    Usage {
        title => "Used against requested", "요청 대비 사용량";
        cpu => "CPU", "CPU";
        memory => "Memory", "메모리";
        time => "Time", "시간";
        gpu => "GPU", "GPU";
        gpu_memory => "GPU memory", "GPU 메모리";
        cores_of(used: &str, total: &str) => format!("{used} of {total} CPUs busy on average"), format!("평균 CPU {total}개 중 {used}개 사용");
        peak_of(used: &str, total: &str) => format!("peak {used} of {total} a node"), format!("노드당 {total} 중 최대 {used}");
        peak(used: &str) => format!("peak {used}"), format!("최대 {used}");
        at(place: &str) => format!("({place})"), format!("({place})");
        time_of(used: &str, total: &str) => format!("{used} of {total}"), format!("{total} 중 {used}");
        gpu_busy(percent: &str) => format!("busy {percent}% of the time"), format!("평균 사용률 {percent}%");

        cpu_low(needed: &str, asked: &str) => format!("Most CPUs had nothing to do: about {needed} of {asked} would have been enough."),
            format!("대부분의 CPU가 쉬고 있었습니다. {asked}개 중 약 {needed}개면 충분했습니다.");
        cpu_fair => "The CPUs were busy for part of the time.", "CPU를 일부 시간만 사용했습니다.";
        cpu_good => "The CPUs were busy nearly all the time.", "CPU를 거의 쉬지 않고 사용했습니다.";
        memory_low(peak: &str, advice: &str) => format!("It never needed more than {peak}; {advice} is plenty next time."),
            format!("최대 {peak}만 사용했습니다. 다음에는 {advice}면 넉넉합니다.");
        memory_good => "The memory fits the job.", "메모리 요청량이 적당합니다.";
        memory_tight => "That is close to the limit: ask for more next time, or it may run out.",
            "한도에 가깝습니다. 더 요청하지 않으면 다음에는 메모리가 부족할 수 있습니다.";
        time_low(advice: &str) => format!("A limit of {advice} would do, and may let it start earlier."),
            format!("시간 제한을 {advice}로 줄여도 충분하며, 더 빨리 시작될 수 있습니다.");
        time_good => "The time limit fits the job.", "시간 제한이 적당합니다.";
        time_tight => "That is close to the limit: ask for more time next time.", "시간 제한에 가깝습니다. 다음에는 시간을 더 요청하세요.";
        gpu_low => "The GPUs waited most of the time: look at how data reaches them.", "GPU가 대부분 쉬고 있었습니다. 데이터 공급 과정을 확인하세요.";
        gpu_good => "The GPUs were well used.", "GPU를 잘 활용했습니다.";
    }
}
