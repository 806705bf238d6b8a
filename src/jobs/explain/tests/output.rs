//! Ends of outputs as programs write them.
use super::Case;

/// Exit code, output, our word for it.
const OUTPUTS: &[(i32, &str, &str)] = &[
    (127, "/var/spool/slurmd/job00042/slurm_script: line 7: gmx_mpi: command not found\n", "command_not_found"),
    (
        127,
        "cat: notes.txt: No such file or directory\n/tmp/x.sh: 3: mysolver: not found\ncat: b: No such file or directory\n",
        "command_not_found",
    ),
    (
        2,
        "slurmstepd: error: execve(): ./solver: No such file or directory\nsrun: error: n1: task 0: Exited with exit code 2\n",
        "command_not_found",
    ),
    (13, "slurmstepd: error: execve(): ./solver: Permission denied\n", "not_executable"),
    (126, "bash: ./run.sh: Permission denied\n", "permission_denied"),
    (1, "cat: /data/input.dat: No such file or directory\n", "missing_file"),
    (1, "python3: can't open file '/home/ann/train.py': [Errno 2] No such file or directory\n", "missing_file"),
    (
        1,
        "Traceback (most recent call last):\n  File \"a.py\", line 1, in <module>\n    open('x')\nFileNotFoundError: [Errno 2] No such file or directory: 'x'\n",
        "missing_file",
    ),
    (1, "mkdir: cannot create directory ‘/data/out’: Permission denied\n", "permission_denied"),
    (1, "dd: error writing 'out': No space left on device\n", "no_space"),
    (1, "OSError: [Errno 28] No space left on device\n", "no_space"),
    (1, "cp: error writing '/home/ann/x': Disk quota exceeded\n", "quota_exceeded"),
    (
        1,
        "rm: cannot remove 'old': No such file or directory\nTraceback (most recent call last):\n  File \"t.py\", line 3, in f\n    raise ValueError('bad shape')\nValueError: bad shape\n",
        "python_error",
    ),
    (
        1,
        "[rank0]: Traceback (most recent call last):\n[rank0]:   File \"t.py\", line 3\n[rank0]: RuntimeError: mat1 and mat2 shapes cannot be multiplied\n",
        "python_error",
    ),
    (
        1,
        "Traceback (most recent call last):\n  File \"t.py\", line 1, in <module>\n    import torch\nModuleNotFoundError: No module named 'torch'\n",
        "python_module_missing",
    ),
    (
        1,
        "  File \"t.py\", line 2\n    print 'x'\n          ^\nSyntaxError: Missing parentheses in call to 'print'\n",
        "python_syntax",
    ),
    (1, "ImportError: cannot import name 'soft_unicode' from 'markupsafe'\n", "python_import"),
    (
        1,
        "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 23.64 GiB\n",
        "gpu_out_of_memory",
    ),
    (1, "RuntimeError: No CUDA GPUs are available\n", "no_gpu"),
    (1, "CUDA error at main.cu:12: no CUDA-capable device is detected\n", "no_gpu"),
    (1, "RuntimeError: The NVIDIA driver on your system is too old (found version 11040).\n", "gpu_driver"),
    (1, "CUDA driver version is insufficient for CUDA runtime version\n", "gpu_driver"),
    (1, "RuntimeError: CUDA error: no kernel image is available for execution on the device\n", "gpu_kind"),
    (1, "RuntimeError: CUDA error: device-side assert triggered\n", "gpu_program_error"),
    (
        1,
        "torch.distributed.DistBackendError: NCCL error in: ProcessGroupNCCL.cpp:1275, unhandled system error\nncclSystemError: System call failed\n",
        "nccl_error",
    ),
    (1, "MPI_ABORT was invoked on rank 3 in communicator MPI_COMM_WORLD\nwith errorcode 1.\n", "mpi_abort"),
    (
        1,
        "Abort(1) on node 5 (rank 5 in comm 0): application called MPI_Abort(MPI_COMM_WORLD, 1) - process 5\n",
        "mpi_abort",
    ),
    (1, "ERROR: matrix is singular\napplication called MPI_Abort(MPI_COMM_WORLD, 911) - process 0\n", "mpi_abort"),
    (1, "Fatal error in PMPI_Recv: Message truncated, error stack:\n", "mpi_error"),
    (1, "[n1:4242] *** An error occurred in MPI_Send\n[n1:4242] *** MPI_ERR_RANK: invalid rank\n", "mpi_error"),
    (
        1,
        "The application appears to have been direct launched using \"srun\",\nbut OMPI was not built with SLURM's PMI support\n",
        "pmix_missing",
    ),
    (1, "srun: error: Couldn't find the specified plugin name for mpi/pmix looking at all files\n", "pmix_missing"),
    (
        1,
        "There are not enough slots available in the system to satisfy the 8\nslots that were requested by the application:\n",
        "mpi_slots",
    ),
    (1, "ORTE was unable to reliably start one or more daemons.\n", "mpi_launch_failed"),
    (
        137,
        "slurmstepd: error: Detected 1 oom-kill event(s) in StepId=42.batch. Some of the step tasks have been OOM Killed.\n",
        "out_of_memory",
    ),
    (1, "slurmstepd: error: Step 42.0 exceeded memory limit (4194304 > 4096000), being killed\n", "out_of_memory"),
    (1, "slurmstepd: error: Job 42 exceeded job memory limit (4100 > 4000), being killed\n", "out_of_memory"),
    (1, "srun: error: n1: task 3: Out Of Memory\n", "out_of_memory"),
    (137, "/var/spool/slurmd/job42/slurm_script: line 5: 4242 Killed                  ./a.out\n", "killed"),
    (139, "slurm_script: line 5: 4242 Segmentation fault      (core dumped) ./a.out\n", "segmentation_fault"),
    (
        1,
        "mpirun noticed that process rank 3 with PID 4242 on node n1 exited on signal 11 (Segmentation fault).\n",
        "segmentation_fault",
    ),
    (1, "srun: error: n1: task 0: Bus error (core dumped)\n", "bus_error"),
    (132, "slurm_script: line 5: 4242 Illegal instruction     (core dumped) ./a.out\n", "illegal_instruction"),
    (136, "Floating point exception (core dumped)\n", "floating_point_exception"),
    (134, "free(): double free detected in tcache 2\nAborted (core dumped)\n", "aborted"),
    (
        134,
        "terminate called after throwing an instance of 'std::bad_alloc'\n  what():  std::bad_alloc\nAborted (core dumped)\n",
        "memory_allocation",
    ),
    (
        1,
        "numpy.core._exceptions._ArrayMemoryError: Unable to allocate 64.0 GiB for an array with shape (92681, 92681)\n",
        "memory_allocation",
    ),
    (1, "Exception in thread \"main\" java.lang.OutOfMemoryError: Java heap space\n", "memory_allocation"),
    (
        127,
        "/var/spool/slurmd/job42/slurm_script: line 3: module: command not found\nslurm_script: line 4: mpirun: command not found\n",
        "module_command_missing",
    ),
    (
        1,
        "Lmod has detected the following error:  The following module(s) are unknown: \"gcc/99.1\"\n",
        "module_unknown",
    ),
    (1, "ERROR: Unable to locate a modulefile for 'openmpi/9'\n", "module_unknown"),
    (
        1,
        "CommandNotFoundError: Your shell has not been properly configured to use 'conda activate'.\n",
        "conda_not_set_up",
    ),
    (1, "FlexNet Licensing error:-15,570\n", "license_server"),
    (1, "Licensed number of users already reached.\nFlexNet Licensing error:-4,132\n", "license_in_use"),
    (
        127,
        "./a.out: error while loading shared libraries: libmpi.so.40: cannot open shared object file: No such file or directory\n",
        "library_missing",
    ),
    (1, "./a.out: /lib64/libc.so.6: version `GLIBC_2.34' not found (required by ./a.out)\n", "library_version"),
    (126, "-bash: ./run.sh: /bin/bash^M: bad interpreter: No such file or directory\n", "windows_line_ends"),
    (127, "slurm_script: line 2: $'\\r': command not found\n", "windows_line_ends"),
    (127, "/usr/bin/env: ‘python3\\r’: No such file or directory\n", "windows_line_ends"),
    (1, "slurm_script: line 4: cd: /data\r: No such file or directory\r\n", "windows_line_ends"),
    (126, "bash: ./t.py: /opt/python/bin/python: bad interpreter: No such file or directory\n", "bad_interpreter"),
    (2, "slurm_script: line 9: syntax error near unexpected token `done'\n", "script_syntax"),
    (2, "slurm_script: line 3: unexpected EOF while looking for matching `\"'\n", "script_syntax"),
    (
        1,
        "slurmstepd: error: *** STEP 42.0 ON n1 CANCELLED AT 2026-11-25T07:00:00 DUE TO TIME LIMIT ***\n",
        "step_time_limit",
    ),
    (1, "srun: error: Unable to create step for job 42: More processors requested than permitted\n", "step_too_big"),
    (255, "Host key verification failed.\n", "ssh_refused"),
    (255, "ssh: connect to host n2 port 22: Connection refused\n", "ssh_refused"),
    (
        255,
        "FATAL:   could not open image /images/a.sif: failed to retrieve path for /images/a.sif: lstat /images: no such file or directory\n",
        "image_missing",
    ),
    (255, "FATAL:   container creation failed: mount /data->/data error: can't mount image\n", "container_failed"),
    (255, "FATAL:   image format not recognized\n", "image_broken"),
    (1, "--> FOAM FATAL ERROR: \ncannot find file \"/case/system/controlDict\"\n\nFOAM exiting\n", "openfoam_error"),
    (1, "Abaqus Error: Abaqus/Standard Analysis exited with an error - Please see the message file\n", "abaqus_error"),
    (1, " E r r o r   t e r m i n a t i o n\n", "error_termination"),
    (
        1,
        "slurmstepd: error: couldn't chdir to `/scratch/ann': No such file or directory: going to /tmp instead\ncat: in: No such file or directory\n",
        "work_dir_missing",
    ),
    (
        1,
        "slurmstepd: error: Could not open stdout file /nowhere/out: No such file or directory\n",
        "output_not_writable",
    ),
    (1, "curl: (6) Could not resolve host: example.org\n", "network"),
    (1, "OSError: [Errno 98] Address already in use\n", "port_in_use"),
    (1, "bash: fork: retry: Resource temporarily unavailable\n", "too_many_processes"),
    (1, "OSError: [Errno 24] Too many open files: 'x'\n", "too_many_files"),
    (126, "bash: ./a.out: cannot execute binary file: Exec format error\n", "wrong_architecture"),
    (1, "srun: error: n1: task 0: Exited with exit code 1\n", "step_failed"),
    (3, "something odd\n", "failed"),
];

#[test]
fn outputs_are_understood() {
    for (exit, output, code) in OUTPUTS {
        let told = Case::failed(*exit, output).explain();
        assert_eq!(told.code, *code, "{output}");
        for noisy in [
            format!("step 1\r step 2\r{output}"),
            output.replace('\n', "\r\n"),
            format!("\u{1b}[1;31m{}\u{1b}[0m", output.replace(": ", ":\u{1b}[0m ")),
        ] {
            assert_eq!(Case::failed(*exit, &noisy).explain().code, *code, "{noisy:?}");
        }
    }
}

#[test]
fn the_line_is_quoted_and_its_subject_named() {
    let told = Case::failed(127, "\u{1b}[31mslurm_script: line 7: gmx_mpi: command not found\u{1b}[0m\n").explain();
    assert_eq!(told.en.what, "The command “gmx_mpi” was not found");
    assert_eq!(told.ko.what, "“gmx_mpi” 명령을 찾을 수 없습니다");
    for why in [&told.en.why, &told.ko.why] {
        assert!(why.contains("“slurm_script: line 7: gmx_mpi: command not found”"), "{why}");
    }
    for (output, part) in [
        ("ModuleNotFoundError: No module named 'torch'", "“torch”"),
        ("CUDA out of memory. Tried to allocate 2.00 GiB.", "2.00 GiB"),
        ("./a: error while loading shared libraries: libx.so.1: cannot open shared object file", "“libx.so.1”"),
        ("MPI_ABORT was invoked on rank 3 in communicator", "rank 3"),
        ("Traceback (most recent call last):\n  x\nKeyError: 'a'\n", "KeyError"),
    ] {
        let told = Case::failed(1, output).explain();
        assert!(told.en.what.contains(part), "{}", told.en.what);
    }
}

#[test]
fn quotations_are_short() {
    let long = format!("{}: No space left on device{}", "x".repeat(5000), "y".repeat(5000));
    let told = Case::failed(1, &long).explain();
    let (_, quote) = told.en.why.split_once('“').unwrap();
    assert!(quote.contains("No space left") && quote.trim_end_matches('”').chars().count() <= 200, "{quote}");
}

#[test]
fn a_missing_gpu_that_was_not_asked_for_is_told_so() {
    let mut case = Case::failed(1, "RuntimeError: No CUDA GPUs are available\n");
    assert!(case.explain().en.todo.contains("did not ask for GPUs"));
    case.job.gpus = 1;
    assert!(!case.explain().en.todo.contains("did not ask for GPUs"));
}

#[test]
fn the_exit_code_in_words_comes_with_the_last_line() {
    let told = Case::failed(3, "all is well\nreally odd\n----\n").explain();
    assert_eq!(told.en.what, "It ended with exit code 3");
    assert!(told.en.why.ends_with("“really odd”"), "{}", told.en.why);
}
