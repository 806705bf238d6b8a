//! Open files from one process to another over a Unix socket.

use std::fs::File;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, OwnedFd};

use rustix::fs::{FileType, fstat, fstatfs};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
};
use rustix::net::{recvmsg, sendmsg};
use tokio::io::Interest;
use tokio::net::UnixStream;

/// File systems whose files can make a reader wait for another process or are the kernel's voice (statfs(2)): FUSE,
/// proc, sysfs, debugfs, tracefs.
const STAY: [u32; 5] = [0x6573_5546, 0x9fa0, 0x6265_6572, 0x6462_6720, 0x7472_6163];

/// Whether a file may be passed on: a regular one that is read and written without anybody else's doing. Others stay
/// with the agent, where only their owner waits for them. It may block.
pub fn may_pass(file: &File) -> io::Result<bool> {
    // First the file system, which answers for a foreign FUSE without asking anybody.
    let kind = fstatfs(file)?.f_type;
    if u32::try_from(kind).is_ok_and(|kind| STAY.contains(&kind)) {
        return Ok(false);
    }
    Ok(FileType::from_raw_mode(fstat(file)?.st_mode) == FileType::RegularFile)
}

/// Sends an open file with an id.
pub async fn send(socket: &UnixStream, id: u64, file: &File) -> io::Result<()> {
    let tag = id.to_be_bytes();
    let sent = socket.async_io(Interest::WRITABLE, || {
        let files = [file.as_fd()];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        control.push(SendAncillaryMessage::ScmRights(&files));
        let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
        Ok(sendmsg(socket, &[IoSlice::new(&tag)], &mut control, flags)?)
    });
    match sent.await? {
        8 => Ok(()),
        _ => Err(io::Error::other("only a part of it was taken")),
    }
}

/// Receives an open file and its id; `None` at the end. More than one file is not taken.
pub async fn receive(socket: &UnixStream) -> io::Result<Option<(u64, File)>> {
    let mut tag = [0; 8];
    let received = socket.async_io(Interest::READABLE, || {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let flags = RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT;
        let received = recvmsg(socket, &mut [IoSliceMut::new(&mut tag)], &mut control, flags)?;
        let files = control.drain().filter_map(|message| match message {
            RecvAncillaryMessage::ScmRights(files) => Some(files),
            _ => None,
        });
        // What is not the only one is closed here; what had no room never became ours.
        let files: Vec<OwnedFd> = files.flatten().collect();
        Ok((received.bytes, files))
    });
    let wrong = |words: &str| Err(io::Error::new(io::ErrorKind::InvalidData, words));
    match received.await? {
        (0, _) => Ok(None),
        (8, files) => match <[OwnedFd; 1]>::try_from(files) {
            Ok([file]) => Ok(Some((u64::from_be_bytes(tag), File::from(file)))),
            Err(_) => wrong("a message without its open file"),
        },
        _ => wrong("a message that is no open file's"),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[tokio::test]
    async fn a_file_is_the_same_on_the_other_side() {
        let (near, far) = UnixStream::pair().unwrap();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        std::fs::write(&path, "content").unwrap();
        for id in [1, u64::MAX] {
            send(&near, id, &File::open(&path).unwrap()).await.unwrap();
        }
        drop(near);
        for expected in [1, u64::MAX] {
            let (id, mut file) = receive(&far).await.unwrap().unwrap();
            assert_eq!(id, expected);
            let mut text = String::new();
            file.read_to_string(&mut text).unwrap();
            assert_eq!(text, "content");
            assert!(rustix::io::fcntl_getfd(&file).unwrap().contains(rustix::io::FdFlags::CLOEXEC));
        }
        assert!(receive(&far).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn bytes_without_a_file_are_refused() {
        use tokio::io::AsyncWriteExt as _;
        for bytes in [&[0; 8][..], b"abc"] {
            let (mut near, far) = UnixStream::pair().unwrap();
            near.write_all(bytes).await.unwrap();
            assert_eq!(receive(&far).await.unwrap_err().kind(), io::ErrorKind::InvalidData);
        }
    }

    #[test]
    fn only_regular_files_of_plain_file_systems_are_passed() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("file"), "").unwrap();
        assert!(may_pass(&File::open(dir.path().join("file")).unwrap()).unwrap());
        let (pipe, _writer) = rustix::pipe::pipe().unwrap();
        assert!(!may_pass(&File::from(pipe)).unwrap());
        for other in ["/dev/null", "/proc/self/status", "/"] {
            assert!(!may_pass(&File::open(other).unwrap()).unwrap(), "{other}");
        }
    }
}
