#!/bin/sh
# A real Slurm on this machine for the tests: plain processes from the distribution's packages, no systemd, no cgroups.
#
#   slurm.sh up [N]     start N nodes (4 when not given), wait until all are idle; with --until-eof after N it ends by
#                       itself when its standard input does, so that it can't outlive whoever holds the other end
#   slurm.sh down       end it and remove every trace; fine when it is half up or not up at all
#   slurm.sh env        print the settings that reach it, as shell commands:  eval "$(slurm.sh env)"
#   slurm.sh status     what runs; exit code 0 when all of it does
#
# Nodes node001.. have 4 CPUs and 4000 MiB each, the last one two pretended GPUs. Partitions: compute (default, all
# nodes) and viz (the last node).
#
#   SLURMDASH_CLUSTER_DIR    where everything lives (${TMPDIR:-/tmp}/slurmdash-cluster)
#   SLURMDASH_CLUSTER_PORT   first of N+1 TCP ports on the loopback (17400)
#
# Two with different settings run side by side. It needs root and slurmctld, slurmd, slurm-client and munge; where it
# can't run it says why and exits with 77, as test harnesses do for "skipped".
#
# The whole cluster lives in one process namespace, so ending its first process ends everything in it, whatever state
# it is in: daemons, steps, and what jobs have left behind.
set -eu

DIR=${SLURMDASH_CLUSTER_DIR:-${TMPDIR:-/tmp}/slurmdash-cluster}
PORT=${SLURMDASH_CLUSTER_PORT:-17400}
CONF=$DIR/etc/slurm.conf
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
export PATH

say() { printf 'slurm.sh: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }
cannot() { say "can't run here: $*"; exit 77; }

# ---- the cluster's first process, by pid and start time: a pid that was given out again is never taken for it

started() { # when process $1 started, in ticks since boot; nothing when it is gone or dead
  sed -n 's/^.*) \([^ ]*\) \(.*\)$/\1 \2/p' "/proc/$1/stat" 2>/dev/null | awk '$1 != "Z" { print $20 }'
}
main_pid() { # prints the first process's pid while it lives
  [ -r "$DIR/run/main" ] || return 1
  read -r pid since <"$DIR/run/main" || return 1
  [ -n "$since" ] && [ "$(started "$pid")" = "$since" ] && echo "$pid"
}
end() { # end process $1 and wait until it is gone
  kill -KILL "$1" 2>/dev/null || :
  tries=0
  while [ -n "$(started "$1")" ] && [ $tries -lt 100 ]; do tries=$((tries + 1)); sleep 0.05; done
}

wait_for() { # wait_for SECONDS WHAT COMMAND...
  until=$(($(date +%s) + $1)) what=$2
  shift 2
  while ! "$@" >/dev/null 2>&1; do
    main_pid >/dev/null || { say "the cluster died while waiting for $what"; return 1; }
    [ "$(date +%s)" -lt "$until" ] || { say "gave up waiting for $what"; return 1; }
    sleep 0.1
  done
}

check() {
  [ "$(uname -s)" = Linux ] || cannot "this is $(uname -s), not Linux"
  [ "$(id -u)" = 0 ] || cannot "it needs root"
  for command in slurmctld slurmd munged munge sbatch squeue scontrol scancel sinfo unshare timeout awk; do
    command -v $command >/dev/null || cannot "$command is missing (Debian: slurmctld slurmd slurm-client munge)"
  done
  unshare --mount --pid --uts --fork true 2>/dev/null || cannot "process namespaces are not permitted"
}

node() { printf 'node%03d' "$1"; }

write_config() {
  version=$(slurmctld -V | awk '{ split($2, v, "."); print v[1] * 100 + v[2] }')
  mkdir -p "$DIR/etc" "$DIR/run/munge" "$DIR/log" "$DIR/state" "$DIR/spool"
  chmod 755 "$DIR" "$DIR/etc" "$DIR/run" "$DIR/run/munge"
  (umask 077; head -c 128 /dev/urandom >"$DIR/etc/munge.key")
  {
    cat <<EOF
ClusterName=testcluster
SlurmctldHost=login(127.0.0.1)
SlurmctldPort=$PORT
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$DIR/run/munge/munge.socket.2
CredType=cred/munge
StateSaveLocation=$DIR/state
SlurmdSpoolDir=$DIR/spool/%n
SlurmctldPidFile=$DIR/run/slurmctld.pid
SlurmdPidFile=$DIR/run/slurmd-%n.pid
SlurmctldLogFile=$DIR/log/slurmctld.log
SlurmdLogFile=$DIR/log/slurmd-%n.log
ProctrackType=proctrack/linuxproc
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SlurmdParameters=config_overrides
SchedulerParameters=sched_min_interval=100000,bf_interval=5,batch_sched_delay=0
GresTypes=gpu
DefMemPerCPU=100
ReturnToService=2
InactiveLimit=0
KillWait=2
OverTimeLimit=0
EnforcePartLimits=ALL
MinJobAge=300
EOF
    # One plugin and one file came or went with these releases.
    [ "$version" -ge 2311 ] || echo "TaskPlugin=task/none"
    [ "$version" -lt 2302 ] || echo "CgroupPlugin=disabled" >"$DIR/etc/cgroup.conf"
    i=1
    while [ $i -le "$N" ]; do
      gres=
      [ $i -lt "$N" ] || gres=" Feature=viz Gres=gpu:2"
      echo "NodeName=$(node $i) NodeHostname=$(node $i) NodeAddr=127.0.0.1 Port=$((PORT + i)) CPUs=4 Boards=1" \
        "SocketsPerBoard=1 CoresPerSocket=4 ThreadsPerCore=1 RealMemory=4000 State=UNKNOWN$gres"
      i=$((i + 1))
    done
    echo "PartitionName=compute Nodes=ALL Default=YES State=UP MaxTime=2-00:00:00 DefaultTime=00:30:00"
    echo "PartitionName=viz Nodes=$(node "$N") State=UP MaxTime=08:00:00 DefaultTime=01:00:00 PriorityTier=10"
  } >"$CONF"
  # Slurm counts GPUs by their device files; any two devices do.
  printf 'NodeName=%s Name=gpu File=%s\n' "$(node "$N")" /dev/null "$(node "$N")" /dev/zero >"$DIR/etc/gres.conf"
}

up() {
  N=${1:-4} hold=
  # Kept as 9: a shell gives what it starts with & an empty standard input.
  if [ "${2:-}" = --until-eof ]; then exec 9<&0; hold=hold; else exec 9</dev/null; fi
  case $N in '' | *[!0-9]*) die "how many nodes? $N is no number" ;; esac
  [ "$N" -ge 1 ] && [ "$N" -le 64 ] || die "1 to 64 nodes"
  check
  if main_pid >/dev/null; then
    [ "$(cat "$DIR/run/nodes")" = "$N" ] || die "a cluster of another size is up at $DIR; 'down' first"
    say "already up"
    return
  fi
  down
  mkdir -p "$DIR"
  [ -z "$(ls -A "$DIR")" ] || die "$DIR has something else in it"
  touch "$DIR/.slurmdash-cluster"
  trap 'down; exit 1' HUP INT TERM
  write_config
  echo "$N" >"$DIR/run/nodes"
  # The caller may wait for its own descriptors to close: keep none of them. setsid: a Ctrl-C there is not for us.
  SLURM_CONF=$CONF setsid unshare --mount --pid --uts --fork --kill-child --mount-proc --propagation private \
    sh "$0" init "$N" $hold <&9 >"$DIR/log/init.log" 2>&1 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&- &
  echo "$! $(started $!)" >"$DIR/run/main"
  SLURM_CONF=$CONF
  export SLURM_CONF
  if wait_for 30 slurmctld timeout 5 scontrol ping && wait_for 30 "idle nodes" all_idle; then
    say "$N nodes up; eval \"\$($0 env)\""
  else
    tail -n 5 "$DIR"/log/* >&2 || :
    down
    die "it did not come up"
  fi
}

all_idle() { [ "$(timeout 5 sinfo -h -N -p compute -t idle -o %N | sort -u | wc -l)" -ge "$N" ]; }

init() { # the first process of the namespace
  N=$1
  run() { # run NAME COMMAND...
    name=$1
    shift
    "$@" </dev/null >>"$DIR/log/$name.out" 2>&1 &
  }
  hostname login
  run munged munged --foreground --force --socket="$DIR/run/munge/munge.socket.2" --key-file="$DIR/etc/munge.key" \
    --pid-file="$DIR/run/munged.pid" --log-file="$DIR/log/munged.log" --seed-file="$DIR/run/munged.seed" --num-threads=4
  tries=0
  until munge -n -S "$DIR/run/munge/munge.socket.2" >/dev/null 2>&1 || [ $tries -ge 100 ]; do
    tries=$((tries + 1))
    sleep 0.05
  done
  run slurmctld slurmctld -D -f "$CONF"
  i=1
  while [ $i -le "$N" ]; do
    mkdir -p "$DIR/spool/$(node $i)"
    run "slurmd-$(node $i)" unshare --uts sh -c 'hostname "$1"; exec slurmd -D -N "$1" -f "$2"' - "$(node $i)" "$CONF"
    i=$((i + 1))
  done
  if [ "${2:-}" = hold ]; then
    # When this one ends, the kernel ends all the others.
    cat >/dev/null
    rm -rf "$DIR"
    exit
  fi
  while :; do sleep 3600; done
}

down() {
  if pid=$(main_pid); then
    # Ending unshare ends the namespace's first process, and the kernel then everything in it.
    inner=$(cat "/proc/$pid/task/$pid/children" 2>/dev/null || :)
    end "$pid"
    for one in $inner; do end "$one"; done
    say "down"
  fi
  [ ! -e "$DIR/.slurmdash-cluster" ] || rm -rf "$DIR"
}

status() {
  main_pid >/dev/null || { echo "down"; exit 3; }
  SLURM_CONF=$CONF
  export SLURM_CONF
  N=$(cat "$DIR/run/nodes")
  timeout 10 scontrol ping
  timeout 10 sinfo -N
  [ "$(timeout 10 sinfo -h -N -p compute -r -o %N | sort -u | wc -l)" -ge "$N" ]
}

print_env() {
  main_pid >/dev/null || die "not up"
  printf "export SLURM_CONF='%s' SLURMDASH_TEST_SLURM_CONF='%s'\n" "$CONF" "$CONF"
}

verb=${1:-}
[ $# -eq 0 ] || shift
case $verb in
  up) up "$@" ;;
  init) init "$@" ;;
  down) down ;;
  status) status ;;
  env) print_env ;;
  *) sed -n '2,/^set -eu/p' "$0" | sed '$d; s/^# \{0,1\}//'; exit 2 ;;
esac
