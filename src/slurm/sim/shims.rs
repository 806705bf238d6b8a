//! What a job finds first on its PATH: `srun`, a little `scontrol`, and `hostname` for nodes that aren't there.
//!
//! All nodes are this machine. The shims read the job's layout, a file with one line for each task (`node-number
//! node-name local-number`), named by `SLURM_SIM_LAYOUT`.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Writes the shims into `dir`.
pub fn install(dir: &Path) -> std::io::Result<()> {
    for (name, text) in [("srun", SRUN), ("scontrol", SCONTROL), ("hostname", HOSTNAME)] {
        let path = dir.join(name);
        let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o700).open(path)?;
        file.write_all(text.as_bytes())?;
    }
    Ok(())
}

/// Runs its command once for each task, side by side; the worst exit code is its own. Source: srun(1).
const SRUN: &str = r#"#!/bin/sh
# srun of a simulated cluster: every task is a process on this machine.
tasks= nodes= label=
fail() { echo "srun: error: $1" >&2; exit 1; }
while [ $# -gt 0 ]; do
  case $1 in
    -n|--ntasks) tasks=$2; shift ;;
    --ntasks=*) tasks=${1#*=} ;;
    -n*) tasks=${1#-n} ;;
    -N|--nodes) nodes=$2; shift ;;
    --nodes=*) nodes=${1#*=} ;;
    -N*) nodes=${1#-N} ;;
    -l|--label) label=1 ;;
    --) shift; break ;;
    --*=*) ;;
    --account|--bcast|--chdir|--constraint|--cpu-bind|--cpu-freq|--cpus-per-gpu|--cpus-per-task|--distribution|\
    --epilog|--error|--exclude|--export|--gpu-bind|--gpu-freq|--gpus|--gpus-per-node|--gpus-per-socket|\
    --gpus-per-task|--gres|--hint|--input|--job-name|--jobid|--licenses|--mem|--mem-bind|--mem-per-cpu|\
    --mem-per-gpu|--mpi|--network|--nodelist|--ntasks-per-core|--ntasks-per-gpu|--ntasks-per-node|\
    --ntasks-per-socket|--open-mode|--output|--partition|--profile|--prolog|--qos|--relative|--signal|\
    --task-epilog|--task-prolog|--threads|--time|--tmp|--tres-per-task|--wait|--wckey) shift ;;
    --*) ;;
    -[ABCDGJLMPRSTWacdeimopqrtwx]) shift ;;
    -?*) ;;
    *) break ;;
  esac
  shift || fail "option requires an argument"
done
[ $# -gt 0 ] || fail "No command given to execute."
tasks=${tasks:-${SLURM_NTASKS:-${nodes:-1}}}
case $tasks in ''|*[!0-9]*|0*|?????*) fail "Invalid numeric value \"$tasks\" for --ntasks." ;; esac
[ "$tasks" -le 256 ] || fail "Unable to create step for job $SLURM_JOB_ID: More processors requested than permitted"

SLURM_STEP_ID=0 SLURM_STEPID=0 SLURM_NTASKS=$tasks SLURM_NPROCS=$tasks SLURM_STEP_NUM_TASKS=$tasks
export SLURM_STEP_ID SLURM_STEPID SLURM_NTASKS SLURM_NPROCS SLURM_STEP_NUM_TASKS
exec 3<&0
run() {
  # Standard input goes to the first task; the others find it empty.
  if [ "$SLURM_PROCID" = 0 ]; then exec <&3; else exec </dev/null; fi
  exec 3<&-
  if [ -z "$label" ]; then exec "$@"; fi
  # The exit code comes round the pipe by descriptor 4.
  code=$({ { "$@" 4>&-; echo $? >&4; } 2>&1 | while IFS= read -r line || [ -n "$line" ]; do
    printf '%s: %s\n' "$SLURM_PROCID" "$line" >&5
  done; } 4>&1)
  exit "${code:-1}"
}
task=0 started=
while [ "$task" -lt "$tasks" ]; do
  # More tasks than the job has: begin at its first line again.
  IFS=' ' read -r node name local <&6 || { exec 6<"$SLURM_SIM_LAYOUT"; IFS=' ' read -r node name local <&6; }
  (
    SLURM_PROCID=$task SLURM_NODEID=$node SLURMD_NODENAME=$name SLURM_LOCALID=$local HOSTNAME=$name
    export SLURM_PROCID SLURM_NODEID SLURMD_NODENAME SLURM_LOCALID HOSTNAME
    exec 5>&1 6<&-
    run "$@"
  ) &
  started="$started $!:$name"
  task=$((task + 1))
done 6<"$SLURM_SIM_LAYOUT"
task=0 worst=0
for one in $started; do
  wait "${one%%:*}"
  code=$?
  if [ "$code" -ne 0 ]; then echo "srun: error: ${one#*:}: task $task: Exited with exit code $code" >&2; fi
  if [ "$code" -gt "$worst" ]; then worst=$code; fi
  task=$((task + 1))
done
exit "$worst"
"#;

/// `scontrol show hostnames`, which scripts use to find their nodes, and `scontrol ping`. Source: scontrol(1).
const SCONTROL: &str = r#"#!/bin/sh
# scontrol of a simulated cluster: only what a job script needs.
case "$1 $2" in
  "show hostnames"|"show hostname")
    last=
    while IFS=' ' read -r node name local; do
      if [ "$name" != "$last" ]; then echo "$name"; fi
      last=$name
    done <"$SLURM_SIM_LAYOUT" ;;
  "ping "*) echo "Slurmctld(primary) at login is UP" ;;
  *) echo "scontrol: error: a job of the simulated cluster has only 'ping' and 'show hostnames'" >&2; exit 1 ;;
esac
"#;

/// The node's name rather than this machine's.
const HOSTNAME: &str = r#"#!/bin/sh
# hostname on a simulated node.
echo "$SLURMD_NODENAME"
"#;
