#!/bin/sh
# A root folder of another Debian release, for a Slurm that is newer than this machine's.
#
#   root.sh make FOLDER RELEASE         make one with what slurm.sh needs (some 600 MB, a minute); nothing when it is there
#   root.sh enter FOLDER COMMAND...     run a command in it, as root, with this project and its target folder at their
#                                       usual places and a /tmp of its own; whatever it starts ends with it
#
# Packages come from where this machine's own apt gets them, so this works on Debian only. It needs root, mmdebstrap and
# namespaces; where it can't run it says why and exits with 77.
set -eu

say() { printf 'root.sh: %s\n' "$*" >&2; }
cannot() { say "can't run here: $*"; exit 77; }

PACKAGES=slurmctld,slurmd,slurm-client,slurmdbd,munge,mariadb-server-core,mariadb-client-core,openssh-server,iproute2,\
util-linux,mount,procps,passwd,hostname,gawk,python3-minimal
KEYS=/usr/share/keyrings/debian-archive-keyring.gpg

make_root() { # make_root FOLDER RELEASE
  [ ! -e "$1/made" ] || return 0
  [ "$(id -u)" = 0 ] || cannot "it needs root"
  command -v mmdebstrap >/dev/null || cannot "mmdebstrap is missing (Debian: mmdebstrap)"
  mirror=$(apt-get indextargets --format '$(ORIGIN) $(LABEL) $(SITE)' 'Created-By: Packages' 2>/dev/null |
    awk '$1 == "Debian" && $2 == "Debian" { print $3; exit }')
  [ -n "$mirror" ] && [ -e $KEYS ] || cannot "apt knows no mirror of Debian"
  rm -rf "$1"
  mkdir -p "$1"
  say "making a root folder of Debian $2 in $1"
  mmdebstrap --quiet --variant=essential --include="$PACKAGES" --aptopt='APT::Install-Recommends "false"' \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    "$2" "$1/root" "deb [signed-by=$KEYS] $mirror $2 main"
  # What a container image has too; programs ask for these.
  echo '127.0.0.1 localhost' >"$1/root/etc/hosts"
  touch "$1/made"
}

enter() { # enter FOLDER COMMAND...
  [ -e "$1/made" ] || { say "there is nothing at $1; 'make' first"; exit 1; }
  folder=$(cd "$1/root" && pwd)
  shift
  project=$(cd "$(dirname "$0")/../.." && pwd)
  exec unshare --mount --pid --fork --kill-child --propagation private \
    sh "$0" inside "$folder" "$project" "${CARGO_TARGET_DIR:-$project/target}" "$@"
}

inside() { # inside ROOT PROJECT TARGET COMMAND...: the first process of the namespace
  root=$1 project=$2 target=$3
  shift 3
  mount --bind "$root" "$root"
  mount -t proc proc "$root/proc"
  mount --rbind /dev "$root/dev"
  mount --rbind /sys "$root/sys"
  for place in /tmp /run; do mount -t tmpfs tmpfs "$root$place"; done
  chmod 1777 "$root/tmp"
  for place in "$project" "$target"; do
    mkdir -p "$root$place"
    mount --bind "$place" "$root$place"
  done
  # pivot_root and not chroot: namespaces that are made inside need a true root.
  mkdir -p "$root/mnt"
  cd "$root"
  pivot_root . mnt
  cd /
  umount -l /mnt
  cd "$project"
  export HOME=/root TMPDIR=/tmp PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
  "$@"
}

verb=${1:-}
[ $# -eq 0 ] || shift
case $verb in
  make) make_root "$@" ;;
  enter) enter "$@" ;;
  inside) inside "$@" ;;
  *) sed -n '2,/^set -eu/p' "$0" | sed '$d; s/^# \{0,1\}//'; exit 2 ;;
esac
