# slurmdbd with a database of its own, and what it enforces; read by slurm.sh, for --accounting.
#
# Accounts: physics (everybody; root too, so that tests may submit as root) and chem (the second person, at most 2 CPUs at
# once). QOS: normal, tiny with limits that are soon met, and high, which takes the resources of tiny's jobs away. The
# third person may act on everybody's jobs.
# It needs slurmdbd and mariadb-server.

accounting_conf() {
  cat <<CONF
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort=$((PORT + N + 2))
# Not a password: the socket of the munge that its clients use.
AccountingStoragePass=$DIR/run/munge/munge.socket.2
AccountingStorageEnforce=associations,limits,qos
PriorityType=priority/multifactor
PriorityWeightAge=100
PriorityWeightQOS=1000
PreemptType=preempt/qos
PreemptMode=CANCEL
CONF
  umask 077
  cat >"$DIR/etc/slurmdbd.conf" <<CONF
AuthType=auth/munge
AuthInfo=socket=$DIR/run/munge/munge.socket.2
DbdHost=login
DbdAddr=127.0.0.1
DbdPort=$((PORT + N + 2))
SlurmUser=root
StorageType=accounting_storage/mysql
StorageHost=localhost
StorageUser=root
StorageLoc=slurm_acct_db
LogFile=$DIR/log/slurmdbd.log
PidFile=$DIR/run/slurmdbd.pid
CONF
  umask 022
}

start_accounting() { # inside the namespace
  mkdir -m 700 "$DIR/db"
  mariadb-install-db --no-defaults --force --user=root --datadir="$DIR/db" --skip-test-db \
    --auth-root-authentication-method=normal >"$DIR/log/mariadb-install.log" 2>&1
  # What a power cut would lose is of no interest here.
  run mariadbd mariadbd --no-defaults --user=root --datadir="$DIR/db" --socket="$DIR/db/socket" --skip-networking \
    --pid-file="$DIR/db/pid" --log-error="$DIR/log/mariadb.log" --innodb-flush-log-at-trx-commit=0 \
    --innodb-buffer-pool-size=64M --innodb-log-file-size=16M
  within 60 mariadb --no-defaults --socket="$DIR/db/socket" --user=root --execute="create database slurm_acct_db"
  run slurmdbd env MYSQL_UNIX_PORT="$DIR/db/socket" slurmdbd -D
  within 60 timeout 5 sacctmgr -n show cluster
  manage() { timeout 20 sacctmgr -i "$@" >>"$DIR/log/sacctmgr.log" 2>&1; }
  manage add cluster testcluster || :
  manage add qos high Priority=1000
  manage add qos tiny MaxJobsPerUser=1 MaxTRESPerUser=cpu=2
  manage modify qos high set Preempt=tiny
  manage add account physics,chem QOS=normal,high,tiny
  manage modify account chem set GrpTRES=cpu=2
  manage add user root Account=physics
  [ -n "$PEOPLE" ] || return 0
  set -- $NAMES
  for person; do manage add user "$person" Account=physics DefaultAccount=physics; done
  manage add user "$2" Account=chem
  manage modify user "$3" set AdminLevel=Operator
}
