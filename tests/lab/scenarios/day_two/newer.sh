# Makes Slurm's packages of this host once more as a later version, in a folder with an index, as a distribution's
# update would bring them. Real packages, but for their version. $1: the version, $2: the folder.
set -e
new=$1
out=$2
mkdir -p "$out"
cd "$(mktemp -d)"
chmod 755 .
old=$(dpkg-query --show --showformat='${Version}' slurm-client)
for package in slurmctld slurmdbd slurmd slurm-client slurm-wlm-basic-plugins slurm-wlm-mysql-plugin; do
  apt-get -qq download "$package=$old" >/dev/null 2>&1
done
for file in *.deb; do
  folder=${file%.deb}.d
  dpkg-deb -R "$file" "$folder"
  # What needs another of these needs it in the same version.
  sed -i "s/$old/$new/g" "$folder/DEBIAN/control"
  name=$(dpkg-deb -f "$file" Package)_$new.deb
  dpkg-deb --root-owner-group -Znone -b "$folder" "$out/$name" >/dev/null
  dpkg-deb -f "$out/$name" >>"$out/Packages"
  printf 'Filename: ./%s\nSize: %s\nSHA256: %s\n\n' "$name" "$(stat -c %s "$out/$name")" \
    "$(sha256sum <"$out/$name" | cut -d ' ' -f 1)" >>"$out/Packages"
done
