//! A host's disk: mounted over the base, given a name, an address and keys.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use sha2::{Digest as _, Sha256};

use crate::host::Shape;
use crate::net::{self, CACHE};
use crate::run::{eventually, run};
use crate::{Lab, base, lock};

/// Where a host's disk is, below its folder.
pub struct Places {
    /// `target/lab/N/hosts/HOST`.
    pub folder: PathBuf,
}

impl Places {
    /// The whole root, readable from outside while it is mounted.
    pub fn root(&self) -> PathBuf {
        self.folder.join("root")
    }

    /// Its disk when that has a size of its own.
    fn image(&self) -> PathBuf {
        self.folder.join("disk.img")
    }

    fn disk(&self) -> PathBuf {
        self.folder.join("disk")
    }

    /// Where what it writes goes.
    fn written(&self) -> PathBuf {
        if self.image().exists() { self.disk() } else { self.folder.clone() }
    }
}

/// Mounts a host's root, as it was when it last ran.
pub fn mount(lab: &Lab, places: &Places, shape: &Shape) -> Result<()> {
    let made = places.folder.join("base");
    fs::create_dir_all(places.root())?;
    let lower = if let Ok(lower) = fs::read_to_string(&made) {
        PathBuf::from(lower)
    } else {
        let _alone = lock("all")?;
        let lower = base::make(&lab.shared, shape.release)?;
        fs::write(&made, lower.display().to_string())?;
        lower
    };
    if let (Some(size), false) = (shape.disk_mib, places.image().exists()) {
        fs::File::create(places.image())?.set_len(u64::from(size) * 1024 * 1024)?;
        run(&[
            "mkfs.ext4".as_ref(),
            "-q".as_ref(),
            "-F".as_ref(),
            "-m".as_ref(),
            "0".as_ref(),
            places.image().as_os_str(),
        ])?;
    }
    if places.image().exists() {
        fs::create_dir_all(places.disk())?;
        run(&[
            "mount".as_ref(),
            "-o".as_ref(),
            "loop".as_ref(),
            places.image().as_os_str(),
            places.disk().as_os_str(),
        ])?;
    }
    let [upper, work] = ["upper", "work"].map(|name| places.written().join(name));
    // What overlayfs left there after a cut belongs to nobody.
    remove_tree(&work)?;
    for folder in [&upper, &work] {
        fs::create_dir_all(folder)?;
    }
    let options = format!("lowerdir={},upperdir={},workdir={}", lower.display(), upper.display(), work.display());
    run(&["mount", "-t", "overlay", "slurmdash-lab", "-o", &options, &places.root().display().to_string()])?;
    Ok(())
}

/// Takes a stopped host's root away again.
pub fn unmount(places: &Places) -> Result<()> {
    for place in [places.root(), places.disk()] {
        let shown = place.display().to_string();
        // The kernel takes a moment to let go of a killed host.
        eventually(&format!("{shown} unmounted"), Duration::from_secs(10), || {
            if mounted(&place)? {
                run(&["umount", "--recursive", &shown])?;
            }
            Ok(Some(()))
        })?;
    }
    Ok(())
}

/// Whether something is mounted at a folder or below.
fn mounted(folder: &Path) -> Result<bool> {
    let mounts = fs::read_to_string("/proc/self/mountinfo")?;
    // Only blanks and backslashes are escaped there, and a lab's folder has none.
    Ok(mounts.lines().filter_map(|line| line.split(' ').nth(4)).any(|place| Path::new(place).starts_with(folder)))
}

/// Removes a folder and what is in it, unless something is mounted there. None is good too.
pub fn remove_tree(folder: &Path) -> Result<()> {
    ensure!(!mounted(folder)?, "something is mounted in {}", folder.display());
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| folder.display().to_string())
        }
        _ => Ok(()),
    }
}

/// Names, address, keys and package sources. Written again only when it is not so yet, so that booting changes nothing.
pub fn fit(lab: &Lab, places: &Places, name: &str, shape: &Shape) -> Result<()> {
    let root = places.root();
    let write = |path: &str, text: &str, mode: u32| put(&root.join(path), text.as_bytes(), mode);
    let number = lab.number;
    write("etc/hostname", &format!("{name}\n"), 0o644)?;
    write("etc/hosts", &net::hosts_file(number), 0o644)?;
    write("etc/machine-id", &format!("{}\n", machine_id(number, name)), 0o444)?;
    write("etc/timezone", "Etc/UTC\n", 0o644)?;
    let address = net::address(number, name)?;
    let gateway = net::gateway(number);
    let network = format!(
        "[Match]\nName=host0\n\n[Network]\nAddress={address}/24\nLinkLocalAddressing=no\nIPv6AcceptRA=no\nLLDP=no\n\n\
         [Route]\nDestination={CACHE}/32\nGateway={gateway}\n"
    );
    write("etc/systemd/network/10-host0.network", &network, 0o644)?;
    let proxy = base::proxy().map(|option| format!("{option};\n")).concat();
    let proxy = if shape.packages { proxy } else { String::new() };
    write("etc/apt/apt.conf.d/90lab", &format!("{proxy}Acquire::Languages \"none\";\n"), 0o644)?;
    for (from, to, mode) in [
        (host_key(lab, name), "etc/ssh/ssh_host_ed25519_key", 0o600),
        (public(&host_key(lab, name)), "etc/ssh/ssh_host_ed25519_key.pub", 0o644),
        (lab.key(), "root/.ssh/id_ed25519", 0o600),
        (public(&lab.key()), "root/.ssh/id_ed25519.pub", 0o644),
        (public(&lab.key()), "root/.ssh/authorized_keys", 0o600),
        (lab.known_hosts(), "root/.ssh/known_hosts", 0o644),
    ] {
        put(&root.join(to), &fs::read(from)?, mode)?;
    }
    fs::set_permissions(root.join("root/.ssh"), fs::Permissions::from_mode(0o700))?;
    let localtime = root.join("etc/localtime");
    if !localtime.is_symlink() {
        symlink("/usr/share/zoneinfo/Etc/UTC", localtime)?;
    }
    Ok(())
}

/// Makes the key of all roots and the host keys of a lab, where they are missing.
pub fn keys(lab: &Lab) -> Result<()> {
    let make = |file: &Path, comment: &str| -> Result<()> {
        if file.exists() {
            return Ok(());
        }
        run(&["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", &file.display().to_string()])?;
        Ok(())
    };
    make(&lab.key(), "lab")?;
    fs::create_dir_all(lab.folder.join("keys"))?;
    let mut known = String::new();
    for name in net::names() {
        let key = host_key(lab, name);
        make(&key, name)?;
        let text = fs::read_to_string(public(&key))?;
        let text = text.split(' ').take(2).collect::<Vec<_>>().join(" ");
        let _ = writeln!(known, "{name},{name}.lab,{} {text}", net::address(lab.number, name)?);
    }
    put(&lab.known_hosts(), known.as_bytes(), 0o644)
}

fn host_key(lab: &Lab, name: &str) -> PathBuf {
    lab.folder.join("keys").join(name)
}

fn public(key: &Path) -> PathBuf {
    key.with_extension("pub")
}

/// A host's machine id, the same each time it is made anew.
pub fn machine_id(number: u8, name: &str) -> String {
    digest(format!("slurmdash lab {number} {name}").as_bytes())[..32].to_owned()
}

/// Writes a file with its folders, unless it is so already.
pub fn put(file: &Path, bytes: &[u8], mode: u32) -> Result<()> {
    let mode_now = || fs::metadata(file).map(|metadata| metadata.permissions().mode() & 0o7777);
    if fs::read(file).is_ok_and(|now| now == bytes) && mode_now()? == mode {
        return Ok(());
    }
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    let _ = fs::remove_file(file);
    fs::write(file, bytes).with_context(|| file.display().to_string())?;
    fs::set_permissions(file, fs::Permissions::from_mode(mode))?;
    Ok(())
}

/// SHA-256 in hexadecimal.
pub fn digest(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

/// Bytes as lower-case digits.
pub fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
