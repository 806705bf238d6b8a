# Slurm's configuration; read by slurm.sh.

write_config() {
  version=$(slurmctld -V | awk '{ split($2, v, "."); print v[1] * 100 + v[2] }')
  mkdir -p "$DIR/etc" "$DIR/run/munge" "$DIR/log" "$DIR/spool"
  # People of the cluster read slurm.conf and reach munge's socket; keys and states are root's.
  chmod 755 "$DIR" "$DIR/etc" "$DIR/run" "$DIR/run/munge" "$DIR/spool"
  mkdir -m 700 "$DIR/state"
  (umask 077; head -c 128 /dev/urandom >"$DIR/etc/munge.key")
  slurm_conf >"$CONF"
  [ -z "$ACCOUNTING" ] || accounting_conf >>"$CONF"
  # One plugin and one file came or went with these releases.
  if [ -n "$(memory_controller)" ]; then
    echo "TaskPlugin=task/cgroup" >>"$CONF"
    printf 'CgroupPlugin=cgroup/v1\nConstrainRAMSpace=yes\n' >"$DIR/etc/cgroup.conf"
  else
    echo "JobAcctGatherParams=OverMemoryKill" >>"$CONF"
    [ "$version" -ge 2311 ] || echo "TaskPlugin=task/none" >>"$CONF"
    [ "$version" -lt 2302 ] || echo "CgroupPlugin=disabled" >"$DIR/etc/cgroup.conf"
  fi
  # Slurm counts GPUs by their device files; any two devices do.
  printf 'NodeName=%s Name=gpu File=%s\n' "$(node "$N")" /dev/null "$(node "$N")" /dev/zero >"$DIR/etc/gres.conf"
  chmod 644 "$CONF" "$DIR/etc/gres.conf"
}

slurm_conf() {
  cat <<CONF
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
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SlurmdParameters=config_overrides
SchedulerParameters=sched_min_interval=100000,bf_interval=5,batch_sched_delay=0
GresTypes=gpu
DefMemPerCPU=100
Licenses=fluent:1
ReturnToService=2
InactiveLimit=0
KillWait=2
OverTimeLimit=0
EnforcePartLimits=ALL
MinJobAge=300
CONF
  i=1
  while [ $i -le "$N" ]; do
    more="Feature=avx2"
    [ $i -lt "$N" ] || more="Feature=viz Gres=gpu:2"
    echo "NodeName=$(node $i) NodeHostname=$(node $i) NodeAddr=127.0.0.1 Port=$((PORT + i)) CPUs=4 Boards=1" \
      "SocketsPerBoard=1 CoresPerSocket=4 ThreadsPerCore=1 RealMemory=4000 State=UNKNOWN $more"
    i=$((i + 1))
  done
  echo "PartitionName=compute Nodes=ALL Default=YES State=UP MaxTime=2-00:00:00 DefaultTime=00:30:00"
  echo "PartitionName=viz Nodes=$(node "$N") State=UP MaxTime=08:00:00 DefaultTime=01:00:00 PriorityTier=10"
  echo "PartitionName=short Nodes=ALL State=UP MaxTime=2 DefaultTime=1 MaxNodes=1"
  echo "PartitionName=closed Nodes=ALL State=DOWN MaxTime=1:00:00 DefaultTime=00:30:00"
}
