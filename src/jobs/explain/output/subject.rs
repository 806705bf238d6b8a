//! What a line of output names: a file, a command, a module.

/// No name is looked for.
pub(super) fn none(_: &str) -> Option<String> {
    None
}

/// The line without what stands before and after `marker`, which is in lower case.
fn around<'a>(line: &'a str, marker: &str) -> Option<(&'a str, &'a str)> {
    // ASCII only: every byte stays at its place.
    let at = line.to_ascii_lowercase().find(marker)?;
    Some((line.get(..at)?, line.get(at + marker.len()..)?))
}

fn bare(text: &str) -> Option<String> {
    let text = text.trim().trim_matches(['\'', '"', '`', '‘', '’', '“', '”', '[', ']', '(', ')', ',', ';']).trim();
    (!text.is_empty() && text.chars().count() <= 200).then(|| text.to_owned())
}

/// The first text in quotation marks.
pub(super) fn quoted(line: &str) -> Option<String> {
    let open = line.find(['\'', '"', '`', '‘', '“'])?;
    let mut chars = line.get(open..)?.chars();
    let close = match chars.next()? {
        '"' => ['"', '"'],
        '‘' => ['’', '\''],
        '“' => ['”', '"'],
        _ => ['\'', '`'],
    };
    let rest = chars.as_str();
    bare(rest.get(..rest.find(close)?)?)
}

/// The piece before `marker`, back to the last `: `.
fn before(line: &str, marker: &str) -> Option<String> {
    bare(around(line, marker)?.0.trim_end_matches([':', ' ']).rsplit(": ").next()?)
}

/// The word after `marker`.
fn after(line: &str, marker: &str) -> Option<String> {
    let rest = around(line, marker)?.1.trim_start_matches([':', ' ', '=']);
    quoted(rest)
        .filter(|_| rest.starts_with(['\'', '"', '`', '‘']))
        .or_else(|| bare(rest.split([' ', ':', ',']).next()?))
}

/// The command that was not found.
pub(super) fn command(line: &str) -> Option<String> {
    if let Some((_, rest)) = around(line, "execve():") {
        return bare(rest.split(": ").next()?);
    }
    if line.to_ascii_lowercase().contains("executable file not found") {
        return quoted(line);
    }
    after(line, "command not found:")
        .or_else(|| before(line, ": command not found"))
        .or_else(|| before(line, ": not found"))
}

/// The file that a system's error message is about.
pub(super) fn file(line: &str) -> Option<String> {
    for marker in ["no such file or directory", "permission denied", "read-only file system"] {
        if let Some((head, tail)) = around(line, marker) {
            return quoted(tail).or_else(|| of_head(head));
        }
    }
    quoted(line).or_else(|| after(line, "cannot open file"))
}

/// The file in what stands before a message: quoted, or the last piece.
fn of_head(head: &str) -> Option<String> {
    // Python puts the error's number between the name and the message.
    let head = head.trim_end();
    let head =
        ["[Errno 2]", "[Errno 13]", "[Errno 30]"].iter().find_map(|number| head.strip_suffix(number)).unwrap_or(head);
    let last = head.trim_end_matches([':', ' ']).rsplit(": ").next()?;
    quoted_at_end(last).or_else(|| bare(last)).filter(|name| name.contains(['/', '.']) || !name.contains(' '))
}

/// The folder after “chdir to”.
pub(super) fn folder(line: &str) -> Option<String> {
    let (_, rest) = around(line, "chdir to ")?;
    quoted(rest).or_else(|| bare(rest.split(':').next()?))
}

/// The Python module.
pub(super) fn module(line: &str) -> Option<String> {
    after(line, "no module named")
}

/// The environment module.
pub(super) fn environment_module(line: &str) -> Option<String> {
    after(line, "modulefile for").or_else(|| after(line, "are unknown")).or_else(|| quoted(line))
}

/// The text in quotation marks that a message ends with; there may be an apostrophe before.
fn quoted_at_end(text: &str) -> Option<String> {
    let inner = text.strip_suffix(['\'', '"', '’'])?;
    bare(inner.rsplit(['\'', '"', '‘', '`']).next()?)
}

/// The shared library.
pub(super) fn library(line: &str) -> Option<String> {
    if let Some((_, rest)) = around(line, "shared libraries:") {
        return bare(rest.split(": ").next()?);
    }
    before(line, ": cannot open shared object file")
}

/// The version of a library that is asked for.
pub(super) fn version(line: &str) -> Option<String> {
    quoted(around(line, "version")?.1)
}

/// The rank of an MPI process.
pub(super) fn rank(line: &str) -> Option<String> {
    ["on rank", "(rank", "process"]
        .iter()
        .filter_map(|marker| after(line, marker))
        .find(|word| word.chars().all(|c| c.is_ascii_digit()))
}

/// How much memory was asked for: `2.00 GiB`.
pub(super) fn allocation(line: &str) -> Option<String> {
    let (_, rest) = around(line, "tried to allocate ")?;
    let mut words = rest.split_whitespace();
    let (amount, unit) = (words.next()?, words.next()?.trim_end_matches(['.', ',']));
    let is_size = amount.starts_with(|c: char| c.is_ascii_digit()) && unit.ends_with('B') && unit.len() <= 3;
    is_size.then(|| format!("{amount} {unit}"))
}

/// The container image.
pub(super) fn image(line: &str) -> Option<String> {
    after(line, "could not open image")
}

/// The host.
pub(super) fn host(line: &str) -> Option<String> {
    after(line, "connect to host")
        .or_else(|| after(line, "resolve hostname"))
        .or_else(|| after(line, "could not resolve host"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_out_of_lines() {
        type Take = fn(&str) -> Option<String>;
        let cases: &[(Take, &str, &str)] = &[
            (command, "/var/spool/slurmd/job00012/slurm_script: line 4: gmx_mpi: command not found", "gmx_mpi"),
            (command, "zsh:1: command not found: foo", "foo"),
            (command, "slurmstepd: error: execve(): ./solver: No such file or directory", "./solver"),
            (command, "exec: \"mpirun\": executable file not found in $PATH", "mpirun"),
            (file, "cat: /data/my input.txt: No such file or directory", "/data/my input.txt"),
            (file, "FileNotFoundError: [Errno 2] No such file or directory: 'data/train.csv'", "data/train.csv"),
            (file, "python3: can't open file '/home/a/x.py': [Errno 2] No such file or directory", "/home/a/x.py"),
            (file, "mkdir: cannot create directory ‘/data/out’: Permission denied", "/data/out"),
            (
                folder,
                "slurmstepd: error: couldn't chdir to `/scratch/x': No such file or directory: going to /tmp instead",
                "/scratch/x",
            ),
            (module, "ModuleNotFoundError: No module named 'torch'", "torch"),
            (module, "ImportError: No module named numpy", "numpy"),
            (
                library,
                "./a: error while loading shared libraries: libmpi.so.40: cannot open shared object file: No such",
                "libmpi.so.40",
            ),
            (
                library,
                "ImportError: libcudart.so.12: cannot open shared object file: No such file or directory",
                "libcudart.so.12",
            ),
            (version, "/lib64/libc.so.6: version `GLIBC_2.34' not found (required by ./a)", "GLIBC_2.34"),
            (rank, "MPI_ABORT was invoked on rank 3 in communicator MPI_COMM_WORLD", "3"),
            (
                rank,
                "Abort(1) on node 5 (rank 5 in comm 0): application called MPI_Abort(MPI_COMM_WORLD, 1) - process 5",
                "5",
            ),
            (allocation, "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has", "2.00 GiB"),
            (image, "FATAL:   could not open image /home/a/b.sif: failed to retrieve path", "/home/a/b.sif"),
            (host, "ssh: connect to host n2 port 22: Connection refused", "n2"),
            (
                environment_module,
                "Lmod has detected the following error: The following module(s) are unknown: \"gcc/99\"",
                "gcc/99",
            ),
        ];
        for (take, line, expected) in cases {
            assert_eq!(take(line).as_deref(), Some(*expected), "{line}");
        }
    }
}
