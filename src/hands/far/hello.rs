//! What both ends say first. See [`super`] for its form.

use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::SocketAddr;
use std::path::PathBuf;

use bytes::{BufMut as _, BytesMut};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use super::PROTOCOL;

/// How a hello begins: nothing that a shell prints.
pub const MAGIC: [u8; 16] = *b"\0slurmdash\xc3\x28\r\n\x1a\x01";
/// Longest JSON of a hello, bytes.
const MOST: usize = 64 << 10;
/// Most bytes before a hello.
const MOST_BEFORE: usize = 64 << 10;

/// The server's hello.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ClientHello {
    /// Version of its program.
    pub program: String,
    /// Whether it wants to know the digest of the agent's executable.
    pub digest: bool,
    /// Where the agent brings open files, when it can.
    pub socket: Option<Socket>,
}

/// Where open files are brought.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Socket {
    /// Its address.
    pub address: Address,
    /// Who listens there.
    pub uid: u32,
    /// What the agent presents there, once.
    pub nonce: [u8; 32],
}

/// A Unix socket's address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Address {
    /// A name in the network namespace.
    Abstract(Vec<u8>),
    /// A file.
    Path(PathBuf),
}

impl Address {
    /// The address that a listener has; `None` when it has none that others could connect to.
    pub fn of(address: &SocketAddr) -> Option<Self> {
        let named = address.as_abstract_name().map(|name| Self::Abstract(name.to_vec()));
        named.or_else(|| Some(Self::Path(address.as_pathname()?.to_owned())))
    }

    /// The path that stands for it: abstract names begin with NUL.
    pub fn path(&self) -> PathBuf {
        use std::os::unix::ffi::OsStringExt as _;
        match self {
            Self::Path(path) => path.clone(),
            Self::Abstract(name) => std::ffi::OsString::from_vec([&[0], &name[..]].concat()).into(),
        }
    }
}

/// The agent's hello.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentHello {
    /// Version of its program.
    pub program: String,
    /// Its user's number.
    pub uid: u32,
    /// Its first group's number.
    pub gid: u32,
    /// Its user's login.
    pub login: String,
    /// Its user's home folder.
    pub home: PathBuf,
    /// SHA-256 of its executable in hex, when asked for and known.
    pub digest: Option<String>,
    /// Whether it brings open files to the socket.
    pub descriptors: bool,
}

/// Why there was no hello.
#[derive(Debug, thiserror::Error)]
pub enum HelloError {
    /// The stream failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The stream ended; the beginning of what came instead.
    #[error("it ended before it said anything")]
    Ended(Vec<u8>),
    /// Something else came, and more of it than a shell may print.
    #[error("more than {} KiB came before it", MOST_BEFORE >> 10)]
    Noise(Vec<u8>),
    /// It is another version, with what it says of its program.
    #[error("it speaks protocol {protocol}")]
    Version {
        /// Its protocol.
        protocol: u16,
        /// Its program's version, where it says so.
        program: String,
    },
    /// It began as one and is none.
    #[error("{0}")]
    Malformed(String),
}

/// Writes a hello.
pub async fn write(stream: &mut (impl AsyncWrite + Unpin), hello: &impl Serialize) -> io::Result<()> {
    let json = serde_json::to_vec(hello)?;
    let length = u32::try_from(json.len()).ok().filter(|_| json.len() <= MOST);
    let mut bytes = BytesMut::with_capacity(MAGIC.len() + 6 + json.len());
    bytes.put_slice(&MAGIC);
    bytes.put_u16(PROTOCOL);
    bytes.put_u32(length.ok_or_else(|| io::Error::other("a hello is too long"))?);
    bytes.put_slice(&json);
    stream.write_all(&bytes).await?;
    stream.flush().await
}

/// Reads a hello after up to `before` bytes of something else; what was read beyond it stays in the buffer.
async fn read<T: DeserializeOwned>(
    stream: &mut (impl AsyncRead + Unpin),
    buffer: &mut BytesMut,
    before: usize,
) -> Result<T, HelloError> {
    let mut looked = 0;
    let begin = loop {
        if let Some(found) = buffer[looked..].windows(MAGIC.len()).position(|window| window == MAGIC) {
            break looked + found;
        }
        if buffer.len() >= before + MAGIC.len() {
            break before + 1;
        }
        looked = buffer.len().saturating_sub(MAGIC.len() - 1);
        more(stream, buffer).await?;
    };
    if begin > before {
        return Err(HelloError::Noise(buffer.to_vec()));
    }
    let mut hello = buffer.split_off(begin);
    std::mem::swap(buffer, &mut hello);
    while buffer.len() < MAGIC.len() + 6 {
        more(stream, buffer).await?;
    }
    let number = |range: std::ops::Range<usize>| buffer[range].iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte));
    let (protocol, length) = (number(16..18), number(18..22) as usize);
    if length > MOST {
        return Err(HelloError::Malformed(format!("a hello of {length} bytes")));
    }
    let end = MAGIC.len() + 6 + length;
    while buffer.len() < end {
        more(stream, buffer).await?;
    }
    let json = buffer.split_to(end).split_off(MAGIC.len() + 6);
    if protocol != u32::from(PROTOCOL) {
        #[derive(Deserialize)]
        struct Other {
            program: String,
        }
        let program = serde_json::from_slice(&json).map_or_else(|_| "unknown".into(), |other: Other| other.program);
        return Err(HelloError::Version { protocol: u16::try_from(protocol).unwrap_or(u16::MAX), program });
    }
    serde_json::from_slice(&json).map_err(|error| HelloError::Malformed(format!("a hello is wrong: {error}")))
}

async fn more(stream: &mut (impl AsyncRead + Unpin), buffer: &mut BytesMut) -> Result<(), HelloError> {
    buffer.reserve(4096);
    match stream.read_buf(buffer).await? {
        0 => Err(HelloError::Ended(buffer.to_vec())),
        _ => Ok(()),
    }
}

/// Reads the agent's hello, after what the person's shell printed.
pub async fn read_agent(
    stream: &mut (impl AsyncRead + Unpin),
    buffer: &mut BytesMut,
) -> Result<AgentHello, HelloError> {
    read(stream, buffer, MOST_BEFORE).await
}

/// Reads the server's hello; nothing may come before it.
pub async fn read_client(
    stream: &mut (impl AsyncRead + Unpin),
    buffer: &mut BytesMut,
) -> Result<ClientHello, HelloError> {
    read(stream, buffer, 0).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hello() -> AgentHello {
        AgentHello {
            program: "1.2.3".into(),
            uid: 7,
            gid: 8,
            login: "ada".into(),
            home: "/home/ada".into(),
            digest: None,
            descriptors: false,
        }
    }

    #[tokio::test]
    async fn what_a_shell_prints_is_passed_over() {
        for before in [0, 1, 15, 4096, MOST_BEFORE] {
            let mut wire = vec![MAGIC[0]; before];
            write(&mut wire, &hello()).await.unwrap();
            wire.extend_from_slice(b"rest");
            let mut buffer = BytesMut::new();
            let mut stream = &wire[..];
            assert_eq!(read_agent(&mut stream, &mut buffer).await.unwrap(), hello(), "{before}");
            assert_eq!([&buffer[..], stream].concat(), b"rest");
        }
    }

    #[tokio::test]
    async fn too_much_of_it_is_not() {
        let mut wire = vec![b'x'; MOST_BEFORE + 5000];
        write(&mut wire, &hello()).await.unwrap();
        let read = read_agent(&mut &wire[..], &mut BytesMut::new()).await;
        assert!(matches!(read, Err(HelloError::Noise(_))), "{read:?}");
    }

    #[tokio::test]
    async fn another_version_is_named() {
        let mut wire = Vec::new();
        write(&mut wire, &serde_json::json!({"program": "9.9", "new": 1})).await.unwrap();
        wire[17] = 9;
        let read = read_agent(&mut &wire[..], &mut BytesMut::new()).await;
        assert!(matches!(read, Err(HelloError::Version { protocol: 9, program }) if program == "9.9"));
    }
}
