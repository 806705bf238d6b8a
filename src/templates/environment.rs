//! Which environment variable a parameter or file of a template becomes, and which names are taken.

/// Names that a shell, Slurm, the dynamic linker or we ourselves give a meaning to. Some of them are more than
/// surprising: bash evaluates what is assigned to `SECONDS` as arithmetic, and `UID` can't be assigned at all.
const TAKEN: &[&str] = &[
    "CDPATH",
    "COLUMNS",
    "COMP_WORDBREAKS",
    "COPROC",
    "CUDA_VISIBLE_DEVICES",
    "DIRSTACK",
    "DISPLAY",
    "ENV",
    "EPOCHREALTIME",
    "EPOCHSECONDS",
    "EUID",
    "EXECIGNORE",
    "FIGNORE",
    "FUNCNAME",
    "FUNCNEST",
    "GCONV_PATH",
    "GLIBC_TUNABLES",
    "GLOBIGNORE",
    "GPU_DEVICE_ORDINAL",
    "GROUPS",
    "HISTCMD",
    "HOME",
    "HOSTALIASES",
    "HOSTNAME",
    "HOSTTYPE",
    "IFS",
    "IMAGE",
    "INPUTRC",
    "KRB5CCNAME",
    "LANG",
    "LANGUAGE",
    "LINENO",
    "LINES",
    "LOADEDMODULES",
    "LOCPATH",
    "LOGNAME",
    "MACHTYPE",
    "MAILCHECK",
    "MAPFILE",
    "MODULEPATH",
    "NLSPATH",
    "OLDPWD",
    "OPTARG",
    "OPTERR",
    "OPTIND",
    "OSTYPE",
    "PATH",
    "PIPESTATUS",
    "POSIXLY_CORRECT",
    "PPID",
    "PROMPT_COMMAND",
    "PS0",
    "PS1",
    "PS2",
    "PS3",
    "PS4",
    "PWD",
    "RANDOM",
    "REPLY",
    "ROCR_VISIBLE_DEVICES",
    "SECONDS",
    "SHELL",
    "SHELLOPTS",
    "SHLVL",
    "SRANDOM",
    "TERM",
    "TIMEFORMAT",
    "TMOUT",
    "TMPDIR",
    "TZ",
    "TZDIR",
    "UID",
    "USER",
];

/// Beginnings that are taken as a whole.
const TAKEN_PREFIXES: &[&str] = &[
    "APPTAINER",
    "BASH",
    "DYLD_",
    "FILE_",
    "GIT_",
    "HIST",
    "LC_",
    "LD_",
    "MALLOC_",
    "OMPI_",
    "PERL5",
    "PMI_",
    "PMIX_",
    "PYTHON",
    "SALLOC_",
    "SBATCH_",
    "SCANCEL_",
    "SINGULARITY",
    "SLURM",
    "SQUEUE_",
    "SRUN_",
    "SSH_",
    "XDG_",
];

/// Whether this is a name for a parameter or file: a lower-case letter, then up to 63 of `a-z 0-9 _`.
pub fn is_name(name: &str) -> bool {
    name.len() <= 64
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// The variable that parameter `name` becomes, or `None` when that variable has a meaning already.
pub fn of_parameter(name: &str) -> Option<String> {
    let variable = name.to_ascii_uppercase();
    let taken = TAKEN.contains(&variable.as_str()) || TAKEN_PREFIXES.iter().any(|prefix| variable.starts_with(prefix));
    (!taken).then_some(variable)
}

/// The variable that file `name` becomes, or `None` when we use that variable ourselves.
pub fn of_file(name: &str) -> Option<String> {
    (name != "count").then(|| format!("FILE_{}", name.to_ascii_uppercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn meaningful_variables_are_taken() {
        for name in ["path", "ld_preload", "slurm_job_id", "bash_env", "seconds", "uid", "file_1", "ifs", "image"] {
            assert_eq!(of_parameter(name), None, "{name}");
        }
        assert_eq!(of_parameter("epochs").as_deref(), Some("EPOCHS"));
        assert_eq!(of_file("train_script").as_deref(), Some("FILE_TRAIN_SCRIPT"));
        assert_eq!(of_file("count"), None);
        assert!(is_name("a_1") && !is_name("1a") && !is_name("A") && !is_name("") && !is_name("a-b") && !is_name("é"));
    }
}
