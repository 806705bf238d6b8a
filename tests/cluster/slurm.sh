#!/bin/sh
# A real Slurm on this machine for the tests: plain processes from the distribution's packages, no systemd, no cgroups.
#
#   slurm.sh up [N] [OPTION...]          start N nodes (4 when not given), wait until all are idle
#   slurm.sh with [N] [OPTION...] -- COMMAND...
#                                        up, run the command with the settings that reach it, down; ends as the command
#   slurm.sh down                        end it and remove every trace; fine when it is half up or not up at all
#   slurm.sh env                         print the settings that reach it, as shell commands:  eval "$(slurm.sh env)"
#   slurm.sh status                      what runs; exit code 0 when all of it does
#
#   --until-eof    ends by itself when its standard input does, so that it can't outlive whoever holds the other end
#   --people       accounts on this machine, and an sshd on the loopback that they log in to (people.sh)
#   --accounting   slurmdbd with a MariaDB of its own; Slurm accounts, QOS and limits (accounting.sh)
#   --other-host   with --people: a second login host with its own network and without our program (other-host.sh)
#
# Nodes node001.. have 4 CPUs and 4000 MiB each, the last one two pretended GPUs. Partitions: compute (default, all
# nodes), viz (the last node), short (2 minutes, 1 node), closed (down). One license: fluent.
#
#   SLURMDASH_CLUSTER_DIR    where everything lives (${TMPDIR:-/tmp}/slurmdash-cluster)
#   SLURMDASH_CLUSTER_PORT   first of N+3 TCP ports on the loopback (17400)
#
# Two with different settings run side by side; where both have people, under other names (people.sh). It needs root and
# slurmctld, slurmd, slurm-client and munge, and for the options what their files say; where it can't run it says why and
# exits with 77, as test harnesses do for "skipped".
#
# The whole cluster lives in one process namespace, so ending its first process ends everything in it, whatever state
# it is in: daemons, steps, logins, and what jobs have left behind.
set -eu

DIR=${SLURMDASH_CLUSTER_DIR:-${TMPDIR:-/tmp}/slurmdash-cluster}
PORT=${SLURMDASH_CLUSTER_PORT:-17400}
CONF=$DIR/etc/slurm.conf
HERE=$(dirname "$0")
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
export PATH

say() { printf 'slurm.sh: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }
cannot() { say "can't run here: $*"; exit 77; }

. "$HERE/config.sh"
. "$HERE/people.sh"
. "$HERE/accounting.sh"
. "$HERE/other-host.sh"

# ---- the cluster's first process, by pid and start time: a pid that was given out again is never taken for it

started() { # when process $1 started, in ticks since boot; nothing when it is gone or dead
  sed -n 's/^.*) \([^ ]*\) \(.*\)$/\1 \2/p' "/proc/$1/stat" 2>/dev/null | awk '$1 != "Z" { print $20 }'
}
main_pid() { # prints the first process's pid while the cluster in folder $1 (ours when not given) lives
  [ -r "${1:-$DIR}/run/main" ] || return 1
  read -r pid since <"${1:-$DIR}/run/main" || return 1
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
within() { # within SECONDS COMMAND...: inside the namespace, until the command succeeds
  tries=$(($1 * 20))
  shift
  until "$@" >/dev/null 2>&1; do
    tries=$((tries - 1))
    [ $tries -gt 0 ] || { say "gave up waiting for $*"; return 1; }
    sleep 0.05
  done
}

need() { # need COMMAND... PACKAGES: the last word says where they come from
  for packages; do :; done
  for command; do
    [ "$command" = "$packages" ] || command -v "$command" >/dev/null || cannot "$command is missing (Debian: $packages)"
  done
}
check() {
  [ "$(uname -s)" = Linux ] || cannot "this is $(uname -s), not Linux"
  [ "$(id -u)" = 0 ] || cannot "it needs root"
  need slurmctld slurmd munged munge sbatch squeue scontrol scancel sinfo unshare timeout awk \
    "slurmctld slurmd slurm-client munge"
  [ -z "$PEOPLE" ] || { need sshd ssh-keygen useradd setpriv "openssh-server passwd"; check_names; }
  [ -z "$ACCOUNTING" ] || need slurmdbd sacctmgr mariadbd mariadb-install-db "slurmdbd mariadb-server"
  [ -z "$OTHER_HOST" ] || need ip "iproute2"
  unshare --mount --pid --uts --fork true 2>/dev/null || cannot "process namespaces are not permitted"
}

node() { printf 'node%03d' "$1"; }

options() { # options [N] [OPTION...]: what was asked for, as variables
  N=4 HOLD= PEOPLE= ACCOUNTING= OTHER_HOST=
  case ${1:-} in '' | -*) ;; *) N=$1; shift ;; esac
  for option; do
    case $option in
      --until-eof) HOLD=yes ;;
      --people) PEOPLE=yes ;;
      --accounting) ACCOUNTING=yes ;;
      --other-host) OTHER_HOST=yes ;;
      *) die "unknown option $option" ;;
    esac
  done
  case $N in *[!0-9]*) die "how many nodes? $N is no number" ;; esac
  [ "$N" -ge 1 ] && [ "$N" -le 64 ] || die "1 to 64 nodes"
  [ -z "$OTHER_HOST" ] || [ -n "$PEOPLE" ] || die "--other-host needs --people"
  SHAPE="N=$N PEOPLE=$PEOPLE ACCOUNTING=$ACCOUNTING OTHER_HOST=$OTHER_HOST"
}

up() {
  options "$@"
  # Kept as 9: a shell gives what it starts with & an empty standard input.
  if [ -n "$HOLD" ]; then exec 9<&0; else exec 9</dev/null; fi
  check
  if main_pid >/dev/null; then
    [ "$(cat "$DIR/run/shape")" = "$SHAPE" ] || die "a cluster of another shape is up at $DIR; 'down' first"
    say "already up"
    return
  fi
  down
  case $DIR in *[!A-Za-z0-9/._-]* | /run/* | /var/log/*) die "$DIR can't be the cluster's folder" ;; esac
  mkdir -p "$DIR"
  [ -z "$(ls -A "$DIR")" ] || die "$DIR has something else in it"
  touch "$DIR/.slurmdash-cluster"
  trap 'down; exit 1' HUP INT TERM
  write_config
  [ -z "$PEOPLE" ] || { make_people && write_sshd_config; } || { down; exit 1; }
  echo "$SHAPE" >"$DIR/run/shape"
  # The caller may wait for its own descriptors to close: keep none of them. setsid: a Ctrl-C there is not for us.
  SLURM_CONF=$CONF setsid unshare --mount --pid --uts --fork --kill-child --mount-proc --propagation private \
    sh "$0" init "$N" ${HOLD:+--until-eof} ${PEOPLE:+--people} ${ACCOUNTING:+--accounting} ${OTHER_HOST:+--other-host} \
    <&9 >"$DIR/log/init.log" 2>&1 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&- &
  echo "$! $(started $!)" >"$DIR/run/main"
  SLURM_CONF=$CONF
  export SLURM_CONF
  if wait_for 120 "all daemons" test -e "$DIR/run/ready" && wait_for 60 slurmctld timeout 5 scontrol ping &&
    wait_for 60 "idle nodes" all_idle; then
    say "$N nodes up; eval \"\$($0 env)\""
  else
    tail -n 5 "$DIR"/log/* >&2 || :
    down
    die "it did not come up"
  fi
}

all_idle() { [ "$(timeout 5 sinfo -h -N -p compute -t idle -o %N | sort -u | wc -l)" -ge "$N" ]; }

run() { # run NAME COMMAND...: a daemon of the namespace
  name=$1
  shift
  "$@" </dev/null >>"$DIR/log/$name.out" 2>&1 &
}

init() { # the first process of the namespace
  options "$@"
  hostname login
  mount_own_places
  run munged munged --foreground --force --socket="$DIR/run/munge/munge.socket.2" --key-file="$DIR/etc/munge.key" \
    --pid-file="$DIR/run/munged.pid" --log-file="$DIR/log/munged.log" --seed-file="$DIR/run/munged.seed" --num-threads=4
  within 10 munge -n -S "$DIR/run/munge/munge.socket.2"
  if [ -n "$ACCOUNTING" ]; then start_accounting; fi
  run slurmctld slurmctld -D -f "$CONF"
  i=1
  while [ $i -le "$N" ]; do
    mkdir -p "$DIR/spool/$(node $i)"
    run "slurmd-$(node $i)" unshare --uts sh -c 'hostname "$1"; exec slurmd -D -N "$1" -f "$2"' - "$(node $i)" "$CONF"
    i=$((i + 1))
  done
  if [ -n "$PEOPLE" ]; then start_sshd 127.0.0.1 "$((PORT + N + 1))" sshd; fi
  if [ -n "$OTHER_HOST" ]; then start_other_host; fi
  touch "$DIR/run/ready"
  if [ -n "$HOLD" ]; then
    cat >/dev/null
    # All but this one, so that nobody's account is in use any more; the namespace ends with this one.
    kill -KILL -1 || :
    umount /sys/fs/cgroup/memory 2>/dev/null || :
    remove_traces
    exit
  fi
  while :; do sleep 3600 & wait $!; done
}

mount_own_places() { # what programs expect at fixed places, and the machine's own of it is none of our business
  mount -t tmpfs tmpfs /run
  mkdir -p /run/munge /run/sshd
  mount --bind "$DIR/run/munge" /run/munge
  [ -z "$PEOPLE" ] || mount -t tmpfs tmpfs /var/log
  [ ! -d /etc/slurm ] || mount --bind "$DIR/etc" /etc/slurm
  if controller=$(memory_controller); then
    mkdir -p "$controller/slurmdash-$PORT"
    mount --bind "$controller/slurmdash-$PORT" "$controller"
  fi
}

memory_controller() { # where cgroups of version 1 limit memory; version 2 belongs to systemd, which may be absent
  [ -w /sys/fs/cgroup/memory/cgroup.procs ] && echo /sys/fs/cgroup/memory
}

remove_traces() { # of a cluster that has ended
  remove_people
  remove_route
  ! controller=$(memory_controller) || [ ! -d "$controller/slurmdash-$PORT" ] ||
    find "$controller/slurmdash-$PORT" -depth -type d -exec rmdir {} + || :
  [ ! -e "$DIR/.slurmdash-cluster" ] || rm -rf "$DIR"
}

down() {
  if pid=$(main_pid); then
    # Ending unshare ends the namespace's first process, and the kernel then everything in it.
    inner=$(cat "/proc/$pid/task/$pid/children" 2>/dev/null || :)
    end "$pid"
    for one in $inner; do end "$one"; done
    say "down"
  fi
  remove_traces
}

status() {
  main_pid >/dev/null || { echo "down"; exit 3; }
  SLURM_CONF=$CONF
  export SLURM_CONF
  eval "$(cat "$DIR/run/shape")"
  timeout 10 scontrol ping
  timeout 10 sinfo -N
  [ -z "$ACCOUNTING" ] || timeout 10 sacctmgr -n -P show cluster format=cluster,controlport
  [ -z "$PEOPLE" ] || ssh-keyscan -p "$((PORT + N + 1))" 127.0.0.1 2>/dev/null | grep -q ed25519
  [ "$(timeout 10 sinfo -h -N -p compute -r -o %N | sort -u | wc -l)" -ge "$N" ]
}

settings() { # one a line
  eval "$(cat "$DIR/run/shape")"
  echo "SLURM_CONF='$CONF'"
  echo "SLURMDASH_TEST_SLURM_CONF='$CONF'"
  echo "SLURMDASH_TEST_CLUSTER_DIR='$DIR'"
  echo "SLURMDASH_TEST_ACCOUNTING='$ACCOUNTING'"
  [ -z "$PEOPLE" ] || people_settings
  [ -z "$OTHER_HOST" ] || other_host_settings
}
print_env() {
  main_pid >/dev/null || die "not up"
  echo "export $(settings | tr '\n' ' ' | sed 's/ $//')"
}

with() { # with [N] [OPTION...] -- COMMAND...
  asked=
  while [ $# -gt 0 ] && [ "$1" != -- ]; do asked="$asked $1"; shift; done
  [ $# -gt 1 ] || die "with what? a command comes after --"
  shift
  up $asked
  eval "$(print_env)"
  code=0
  "$@" || code=$?
  down
  exit $code
}

verb=${1:-}
[ $# -eq 0 ] || shift
case $verb in
  up) up "$@" ;;
  init) init "$@" ;;
  other-host) other_host "$@" ;;
  with) with "$@" ;;
  down) down ;;
  status) status ;;
  env) print_env ;;
  *) sed -n '2,/^set -eu/p' "$0" | sed '$d; s/^# \{0,1\}//'; exit 2 ;;
esac
