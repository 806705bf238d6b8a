# Builds a cluster as somebody does it by hand, from a guide: head1 with accounting, node001, and a job that runs.
set -e
export DEBIAN_FRONTEND=noninteractive
quiet() { "$@" >/dev/null 2>&1; }
apt-get -qq update
quiet apt-get -qq install -y slurmctld slurmdbd slurm-client munge mariadb-server
dd if=/dev/urandom of=/etc/munge/munge.key bs=1024 count=1 status=none
chown munge:munge /etc/munge/munge.key
chmod 400 /etc/munge/munge.key
systemctl restart munge
mysql -e "CREATE DATABASE slurm_acct_db; CREATE USER slurm@localhost IDENTIFIED BY 'by-hand';
  GRANT ALL ON slurm_acct_db.* TO slurm@localhost"
cat >/etc/slurm/slurmdbd.conf <<CONF
AuthType=auth/munge
DbdHost=head1
SlurmUser=slurm
LogFile=/var/log/slurm/slurmdbd.log
StorageType=accounting_storage/mysql
StorageLoc=slurm_acct_db
StorageUser=slurm
StoragePass=by-hand
CONF
chown slurm:slurm /etc/slurm/slurmdbd.conf
chmod 600 /etc/slurm/slurmdbd.conf
cat >/etc/slurm/slurm.conf <<CONF
# Our cluster. Ask Bob before changing anything.
ClusterName=handmade
SlurmctldHost=head1
AuthType=auth/munge
SlurmUser=slurm
StateSaveLocation=/var/lib/slurm/slurmctld
SlurmdSpoolDir=/var/lib/slurm/slurmd
SlurmctldLogFile=/var/log/slurm/slurmctld.log
SlurmdLogFile=/var/log/slurm/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/affinity
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=head1
SlurmctldTimeout=60
ReturnToService=1
NodeName=node001 CPUs=2 RealMemory=500 State=UNKNOWN
PartitionName=debug Nodes=node001 Default=YES MaxTime=INFINITE State=UP
CONF
echo CgroupPlugin=cgroup/v1 >/etc/slurm/cgroup.conf
ssh -n node001 'export DEBIAN_FRONTEND=noninteractive; apt-get -qq update &&
  apt-get -qq install -y slurmd slurm-client munge >/dev/null 2>&1'
scp -q /etc/slurm/slurm.conf /etc/slurm/cgroup.conf node001:/etc/slurm/ </dev/null
ssh node001 'install -o munge -g munge -m 400 /dev/stdin /etc/munge/munge.key' </etc/munge/munge.key
ssh -n node001 systemctl restart munge slurmd
systemctl restart slurmdbd
for _ in $(seq 60); do timeout 5 sacctmgr -n list cluster >/dev/null 2>&1 && break || sleep 1; done
systemctl restart slurmctld
for _ in $(seq 60); do timeout 5 sinfo -h -o %T | grep -q idle && break || sleep 1; done
useradd -m -u 1500 ada
ssh -n node001 useradd -M -u 1500 ada
runuser -u ada -- sh -c 'cd /home/ada && timeout 20 sbatch --parsable -o /dev/null --wrap "sleep 3000"'
