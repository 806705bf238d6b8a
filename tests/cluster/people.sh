# People with accounts on this machine, and an sshd that they log in to; read by slurm.sh, for --people.
#
# The first two are ordinary people, the third is one whom Slurm lets act on everybody's jobs (with --accounting). Their
# homes are in the cluster's folder, private. One more account without a home is for the server under test, which has no
# privileges. All are marked with the cluster's folder in their comment field; accounts that others made are never
# touched, and those of a cluster that died are taken over.
#
#   SLURMDASH_CLUSTER_PEOPLE    their names ("alice bob carol"); others where two clusters run side by side
#   SLURMDASH_CLUSTER_SERVICE   the server's ("slurmdash-test")
#
# sshd takes the key etc/ssh/id_ed25519 for each of them, and certificates by whoever is in etc/ssh/user_ca.pub, which is
# empty at first and is read at each login. It needs openssh-server.

NAMES=${SLURMDASH_CLUSTER_PEOPLE:-alice bob carol}
SERVICE=${SLURMDASH_CLUSTER_SERVICE:-slurmdash-test}
MARK="slurmdash-cluster $DIR"

check_names() {
  for person in $NAMES $SERVICE; do
    case $(getent passwd "$person" | cut -d: -f1,5) in
      '' | "$person:slurmdash-cluster "*) ;;
      *) cannot "there is an account $person on this machine that is not ours; SLURMDASH_CLUSTER_PEOPLE gives other names" ;;
    esac
  done
}

make_people() {
  mkdir -p "$DIR/home"
  chmod 755 "$DIR/home"
  for person in $NAMES $SERVICE; do
    free_name "$person" || return
    if [ "$person" = "$SERVICE" ]; then
      change_accounts useradd --system --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin \
        --user-group --comment "$MARK" "$person" || return
    else
      change_accounts useradd --create-home --home-dir "$DIR/home/$person" --shell /bin/bash \
        --user-group --comment "$MARK" "$person" || return
      chmod 700 "$DIR/home/$person"
    fi
  done
  setpriv --reuid="$SERVICE" --regid="$SERVICE" --clear-groups test -r "$CONF" ||
    { say "people can't reach $DIR: a folder above it is closed to them"; return 1; }
}

free_name() { # takes the account of that name away from a cluster that has died
  tries=0
  while owner=$(getent passwd "$1" | cut -d: -f5) && [ -n "$owner" ]; do
    owner=${owner#slurmdash-cluster }
    # One that is just going down has some seconds for it.
    if ! main_pid "$owner" >/dev/null; then
      change_accounts userdel --force "$1" || :
    elif [ $tries -ge 100 ]; then
      say "the account $1 belongs to the cluster at $owner, which is up; SLURMDASH_CLUSTER_PEOPLE gives other names"
      return 1
    fi
    tries=$((tries + 1))
    sleep 0.1
  done
}

change_accounts() { # change_accounts COMMAND...: again while somebody else has the files
  tries=0
  until said=$("$@" 2>&1); do
    case $said in *lock*) ;; *) say "$said"; return 1 ;; esac
    tries=$((tries + 1))
    [ $tries -lt 100 ] || { say "$said"; return 1; }
    sleep 0.1
  done
}

remove_people() {
  getent passwd | awk -F: -v mark="$MARK" '$5 == mark { print $1 }' | while read -r person; do
    change_accounts userdel --force "$person" || :
  done
}

write_sshd_config() {
  mkdir -p "$DIR/etc/ssh/authorized_keys"
  ssh-keygen -q -t ed25519 -N '' -C 'test cluster' -f "$DIR/etc/ssh/host_ed25519"
  ssh-keygen -q -t ed25519 -N '' -C 'test cluster' -f "$DIR/etc/ssh/id_ed25519"
  for person in $NAMES; do cp "$DIR/etc/ssh/id_ed25519.pub" "$DIR/etc/ssh/authorized_keys/$person"; done
  : >"$DIR/etc/ssh/user_ca.pub"
  cat >"$DIR/etc/ssh/sshd_config" <<CONF
HostKey $DIR/etc/ssh/host_ed25519
TrustedUserCAKeys $DIR/etc/ssh/user_ca.pub
AuthorizedKeysFile $DIR/etc/ssh/authorized_keys/%u
# The folder is below /tmp, which everybody may write to.
StrictModes no
UsePAM yes
PasswordAuthentication no
PermitRootLogin no
PrintMotd no
PrintLastLog no
MaxStartups 500
MaxSessions 100
LogLevel VERBOSE
PidFile none
SetEnv SLURM_CONF=$CONF
CONF
}

start_sshd() { # start_sshd ADDRESS PORT NAME: inside the namespace
  set -- "$1" "$2" "$3" -f "$DIR/etc/ssh/sshd_config"
  # From 9.8 on it shuts out an address after refused logins, which tests make many of.
  if "$(command -v sshd)" -t -f "$5" -o PerSourcePenalties=no 2>/dev/null; then set -- "$@" -o PerSourcePenalties=no; fi
  address=$1 port=$2 name=$3
  shift 3
  run "$name" "$(command -v sshd)" -D "$@" -E "$DIR/log/$name.log" -p "$port" -o "ListenAddress=$address"
  # It accepts connections when it has said so.
  within 10 grep -q "^Server listening on $address port $port" "$DIR/log/$name.log"
}

known_host() { # known_host ADDRESS PORT
  echo "[$1]:$2 $(cut -d ' ' -f 1,2 "$DIR/etc/ssh/host_ed25519.pub")"
}

people_settings() {
  echo "SLURMDASH_TEST_PEOPLE='$NAMES'"
  echo "SLURMDASH_TEST_SERVICE='$SERVICE'"
  echo "SLURMDASH_TEST_SSH='127.0.0.1:$((PORT + N + 1))'"
  echo "SLURMDASH_TEST_SSH_KNOWN_HOST='$(known_host 127.0.0.1 "$((PORT + N + 1))")'"
  echo "SLURMDASH_TEST_SSH_KEY='$DIR/etc/ssh/id_ed25519'"
  echo "SLURMDASH_TEST_SSH_CA='$DIR/etc/ssh/user_ca.pub'"
  echo "SLURMDASH_TEST_SSHD_LOG='$DIR/log/sshd.log'"
}
