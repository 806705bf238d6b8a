//! What Slurm's commands say when they don't do it, and what it means.
//!
//! Source: the messages of Slurm 22.05 and 24.11 (`slurm_errno.c` has them all); they are not translated.

use crate::slurm::{JobId, SlurmError};

/// Longest message that is passed on, characters.
const LONGEST: usize = 4000;

/// Parts of messages that blame the controller, the network or munge rather than the request.
const NOT_THE_REQUEST: &[&str] = &[
    "Unable to contact slurm controller",
    "Communication connection failure",
    "Connection refused",
    "Connection timed out",
    "Could not establish a configuration source",
    "Incompatible versions of client and server",
    "Insane message length",
    "Munge encode failed",
    "Munge decode failed",
    "Protocol authentication error",
    "Slurm backup controller in standby mode",
    "Slurm controller is in standby",
    "Slurm temporarily unable to accept job",
    "Socket timed out on send/recv",
    "Unable to contact slurm database",
    "Unable to process configuration file",
    "Unable to resolve",
    "Unexpected message received",
    "Zero Bytes were transmitted or received",
    "cannot stat file",
    "error while loading shared libraries",
];

/// A command's error output for people: without `sbatch: error: ` before each line, control characters and blank lines.
pub fn plain(command: &str, stderr: &str) -> String {
    let lines = stderr.lines().map(|line| {
        let mut line = line.trim();
        for prefix in [command, "error", "fatal"] {
            line = line.strip_prefix(prefix).and_then(|rest| rest.strip_prefix(": ")).unwrap_or(line);
        }
        // squeue and scontrol name the library call instead: `slurm_load_jobs error: `.
        match line.split_once(" error: ") {
            Some((call, words)) if call.starts_with("slurm_") && !call.contains(' ') => words,
            _ => line,
        }
    });
    let text = lines.filter(|line| !line.is_empty()).collect::<Vec<&str>>().join("\n");
    text.chars().filter(|c| *c == '\n' || !c.is_control()).take(LONGEST).collect()
}

/// Why a command failed: somebody else's fault when the words say so, otherwise a refusal.
pub fn refusal(command: &str, stderr: &str) -> SlurmError {
    let message = plain(command, stderr);
    if message.is_empty() || NOT_THE_REQUEST.iter().any(|words| message.contains(words)) {
        return unavailable(command, stderr);
    }
    SlurmError::Refused { message }
}

/// Why a command that only asks failed: never the request's fault.
pub fn unavailable(command: &str, stderr: &str) -> SlurmError {
    let mut message = plain(command, stderr);
    if message.is_empty() {
        "it failed without a word".clone_into(&mut message);
    }
    SlurmError::Unavailable { command: command.to_owned(), message }
}

/// Whether the words say that there is no such job.
pub fn no_such_job(stderr: &str) -> bool {
    stderr.contains("Invalid job id")
        || stderr.lines().any(|line| line.starts_with("Job ") && line.ends_with("not found"))
}

/// What `scancel --verbose` or `scontrol` says about a job. Without a complaint it was done.
pub fn of_action(command: &str, id: &JobId, ok: bool, stderr: &str) -> Result<(), SlurmError> {
    let complaint = stderr.lines().any(|line| line.contains("error:"));
    if ok && !complaint {
        return Ok(());
    }
    // So 22.05 says of suspending and resuming what is not there.
    if no_such_job(stderr) || stderr.contains(&format!("Unexpected message received for job {id}")) {
        return Err(SlurmError::NoSuchJob(id.clone()));
    }
    if NOT_THE_REQUEST.iter().any(|words| stderr.contains(words)) {
        return Err(unavailable(command, stderr));
    }
    if stderr.contains("already completing or completed") || stderr.contains("already finished") {
        return Err(SlurmError::AlreadyFinished(id.clone()));
    }
    if stderr.contains("permission denied") || stderr.contains("Invalid user id") {
        // scancel tells first what it is about to do.
        let words = stderr.lines().filter(|line| !line.starts_with("scancel: Terminating"));
        return Err(SlurmError::NotPermitted { message: plain(command, &words.collect::<Vec<&str>>().join("\n")) });
    }
    Err(refusal(command, stderr))
}

/// A value on one line: line breaks are written `\\n`, other control characters left out.
pub fn one_line(value: &str) -> String {
    value.replace('\n', "\\n").chars().filter(|c| !c.is_control()).collect()
}

/// Text for people to read: without control characters but line breaks and tabs.
pub fn readable(text: &str) -> String {
    text.chars().filter(|c| matches!(c, '\n' | '\t') || !c.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sbatch_refuses_in_its_own_words() {
        let said = "sbatch: error: invalid partition specified: nope\n\
            sbatch: error: Batch job submission failed: Invalid partition name specified\n";
        let message =
            "invalid partition specified: nope\nBatch job submission failed: Invalid partition name specified";
        assert_eq!(refusal("sbatch", said), SlurmError::Refused { message: message.to_owned() });
        let said = "sbatch: unrecognized option '--foo=1'\nTry \"sbatch --help\" for more information\n";
        let message = "unrecognized option '--foo=1'\nTry \"sbatch --help\" for more information";
        assert_eq!(refusal("sbatch", said), SlurmError::Refused { message: message.to_owned() });
    }

    #[test]
    fn a_controller_that_is_away_is_not_a_refusal() {
        for said in [
            "sbatch: error: Batch job submission failed: Unable to contact slurm controller (connect failure)",
            "sbatch: error: If munged is up, restart with --num-threads=10\nsbatch: error: Munge encode failed: Failed",
            "sbatch: error: Batch job submission failed: Protocol authentication error",
            "squeue: fatal: Unable to process configuration file",
            "",
        ] {
            assert!(matches!(refusal("sbatch", said), SlurmError::Unavailable { .. }), "{said}");
        }
    }

    #[test]
    fn escapes_and_floods_do_not_get_through() {
        let message = plain("sbatch", &format!("sbatch: error: \u{1b}[31mred\u{7}\n\n\n{}", "x".repeat(100_000)));
        assert!(message.starts_with("[31mred\nxxx"));
        assert_eq!(message.chars().count(), LONGEST);
    }

    #[test]
    fn scancel_says_it_in_verbose_mode_only() {
        let id = JobId { job: 5, task: None };
        let said =
            |words: &str| format!("scancel: Terminating job 5\nscancel: error: Kill job error on job id 5: {words}\n");
        assert_eq!(of_action("scancel", &id, true, "scancel: Terminating job 5\n"), Ok(()));
        let finished = said("Job/step already completing or completed");
        assert_eq!(of_action("scancel", &id, true, &finished), Err(SlurmError::AlreadyFinished(id.clone())));
        assert_eq!(
            of_action("scancel", &id, true, &said("Invalid job id specified")),
            Err(SlurmError::NoSuchJob(id.clone()))
        );
        let denied = of_action("scancel", &id, false, &said("Access/permission denied"));
        assert!(matches!(denied, Err(SlurmError::NotPermitted { message }) if message.ends_with("permission denied")));
        let away = of_action("scancel", &id, false, &said("Unable to contact slurm controller (connect failure)"));
        assert!(matches!(away, Err(SlurmError::Unavailable { .. })));
    }
    #[test]
    fn scontrol_says_whose_fault_it_is() {
        let id = JobId { job: 5, task: Some(3) };
        let of = |words: &str| of_action("scontrol", &id, false, words);
        for words in [
            "Invalid job id specified for job 5",
            "5_3: Invalid job id specified",
            "Job 5_3 not found",
            "Unexpected message received for job 5_3",
        ] {
            assert_eq!(of(words), Err(SlurmError::NoSuchJob(id.clone())), "{words}");
        }
        let finished = "Job has already finished for job 5\nslurm_suspend error: Job has already finished\n";
        assert_eq!(of(finished), Err(SlurmError::AlreadyFinished(id.clone())));
        for words in ["Access/permission denied for job 5", "5_0-5: Invalid user id"] {
            assert_eq!(of(words), Err(SlurmError::NotPermitted { message: words.to_owned() }));
        }
        for words in ["Job is pending execution for job 5", "Requested operation is presently disabled"] {
            assert_eq!(of(words), Err(SlurmError::Refused { message: words.to_owned() }));
        }
        let away = "Unable to contact slurm controller (connect failure) for job 5";
        assert!(matches!(of(away), Err(SlurmError::Unavailable { .. })));
        assert_eq!(of_action("scontrol", &id, true, ""), Ok(()));
    }

    #[test]
    fn what_people_read_can_do_nothing_to_their_terminal() {
        assert_eq!(readable("a\tb\u{1b}[31m\u{7}\nc\r\u{9b}"), "a\tb[31m\nc");
        assert_eq!(one_line("a\nState=FAILED\u{1b}"), "a\\nState=FAILED");
    }
}
