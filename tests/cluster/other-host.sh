# A second login host; read by slurm.sh, for --other-host.
#
# Its own network, so that nothing but ssh leads to it, and an empty folder where our program is built, so that it has to
# be brought along. People and homes are the same. It needs iproute2.
#
#   SLURMDASH_CLUSTER_HIDE   the folder that is empty there ($CARGO_TARGET_DIR, or target in the project)
#
# The network is two addresses of a private subnet that is in use nowhere here. A route of last resort keeps what is sent
# there from leaving the machine when the host is gone.

start_other_host() { # inside the namespace, in the machine's network
  third=0
  while [ -n "$(ip -4 route show root "10.213.$third.0/24")" ]; do
    third=$((third + 1))
    [ $third -lt 256 ] || die "no subnet is free"
  done
  net=10.213.$third
  echo "$net" >"$DIR/run/other-net"
  ip route add unreachable "$net.0/24" metric 4294967294
  run other-host unshare --net --mount --uts --propagation private sh "$0" other-host "$net"
  other=$!
  within 10 test -e "$DIR/run/other-net-made"
  ip link add "sdt$PORT" type veth peer name eth0 netns "$other"
  ip addr add "$net.1/30" dev "sdt$PORT"
  ip link set "sdt$PORT" up
  within 10 grep -q '^Server listening' "$DIR/log/sshd-other.log"
}

other_host() { # the host's first process: other-host SUBNET
  hostname login2
  project=$(cd "$HERE/../.." && pwd)
  mount -t tmpfs tmpfs "${SLURMDASH_CLUSTER_HIDE:-${CARGO_TARGET_DIR:-$project/target}}"
  touch "$DIR/run/other-net-made"
  within 10 ip link show eth0
  ip link set lo up
  ip addr add "$1.2/30" dev eth0
  ip link set eth0 up
  start_sshd "$1.2" 22 sshd-other
  wait
}

remove_route() {
  [ -r "$DIR/run/other-net" ] || return 0
  ip route del unreachable "$(cat "$DIR/run/other-net").0/24" metric 4294967294 2>/dev/null || :
}

other_host_settings() {
  net=$(cat "$DIR/run/other-net")
  echo "SLURMDASH_TEST_OTHER_SSH='$net.2:22'"
  echo "SLURMDASH_TEST_OTHER_SSH_KNOWN_HOST='$net.2 $(cut -d ' ' -f 1,2 "$DIR/etc/ssh/host_ed25519.pub")'"
  echo "SLURMDASH_TEST_OTHER_SSHD_LOG='$DIR/log/sshd-other.log'"
}
