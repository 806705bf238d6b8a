//! The person's hands on the other end of a connection: `slurmdash agent` and its client.
//!
//! [`agent`] runs as the person where their files are and serves [`Local`](super::local) hands; [`Far`] is the same
//! hands at the server's end. Between them is any stream of bytes both ways, in practice the channel of an SSH session.
//! On one host the agent also hands open files over a Unix socket ([`Descriptors`]), so their bytes never pass through
//! the channel. Neither end trusts what the other sends.
//!
//! # The protocol
//!
//! Numbers are big-endian. "Client" is the server's end, "agent" the person's.
//!
//! **Hello.** The client speaks first. A hello is 16 bytes [`hello::MAGIC`], a `u16` protocol version, a `u32` length
//! (at most 64 KiB) and so many bytes of JSON, [`hello::ClientHello`] or [`hello::AgentHello`]; this form is the same in
//! every version, and unknown fields are passed over, so that two versions can tell each other apart. The person's
//! shell may print before the agent starts: the client passes over up to 64 KiB until the magic. Both ends speak exactly
//! one version ([`PROTOCOL`]). An agent that hears another one answers its own hello and ends.
//!
//! **Frames** follow: a `u32` length of the rest (13 bytes to [`frame::MOST`]), a kind, a `u64` id, a `u32` header
//! length, that much JSON, and bytes up to the end.
//!
//! | kind | from | header | bytes | meaning |
//! |---|---|---|---|---|
//! | 1 request | client | [`message::Request`] | beginning of its input | do this |
//! | 2 input | client | none | more of the input | until what the request announced is there |
//! | 3 cancel | client | none | none | end request `id`; close the file that it opened |
//! | 16 data | agent | none | 1 byte to [`PIECE`] | a part of answer `id` |
//! | 17 answer | agent | [`message::Answer`] | the answer's own | request `id` is over |
//!
//! - Ids are the client's, and only grow. Each request gets one answer, unless it is cancelled.
//! - An open file is known by the id of the request that opened it, until that id is cancelled.
//! - Data comes for commands and lists, whose answers may be long: never more than was asked for. An agent whose reader
//!   is slow waits for it, and so does what it runs.
//! - Files are read and written in pieces of at most [`PIECE`] bytes, several under way at once.
//! - With a descriptor (`Opened {descriptor: true}`) the file itself comes over the socket: one message, the request's
//!   id in 8 bytes with one `SCM_RIGHTS` descriptor; it is sent before the answer.
//!
//! **The socket.** The client's hello names it, the server's uid and a nonce that is used once. The agent connects,
//! checks that the socket's owner has that uid, sends the nonce (32 bytes) and reads one byte, 1. The server takes a
//! nonce only from a process with the person's uid. When any of this fails the agent says so in its hello and files
//! stay with it.
//!
//! **Lost connections.** What was not sent fails with [`HandsError::NotSent`](super::HandsError::NotSent) and may be
//! asked again on another connection; what was sent and not answered fails with
//! [`HandsError::Lost`](super::HandsError::Lost), because nobody knows whether it was done. An end that breaks the rules
//! is cut off, with [`HandsError::Protocol`](super::HandsError::Protocol) for all that wait.
//!
//! The agent ends when its input ends or when it has been idle for [`agent::IDLE`]; the commands it runs end with it.

pub mod agent;
mod call;
mod client;
mod descriptors;
mod file;
pub mod frame;
pub mod hello;
pub mod message;
mod passing;

use std::time::Duration;

pub use client::Far;
pub use descriptors::Descriptors;

/// The protocol's version, raised with every change of it.
pub const PROTOCOL: u16 = 1;

/// Most bytes of a file in one frame.
pub const PIECE: usize = 256 << 10;

/// Requests of one client that may be under way at once.
pub const MOST_REQUESTS: usize = 512;

/// Pieces of one file that are under way at once.
const PIECES_AHEAD: usize = 8;

/// Most bytes of a command's standard input.
pub const MOST_INPUT: usize = 16 << 20;

/// Most bytes of a listing as JSON.
const MOST_LISTING: usize = 16 << 20;

/// Of standard error so much is kept, bytes.
const MOST_ERRORS: usize = 64 << 10;

/// How long the client waits.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// For the agent's hello, from the start of the connection.
    pub hello: Duration,
    /// For what is no more than some system calls.
    pub call: Duration,
    /// For a file's bytes to be on disk.
    pub sync: Duration,
    /// Beyond the time limit that the request has itself, as a command has.
    pub margin: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            hello: Duration::from_secs(30),
            call: Duration::from_secs(30),
            sync: Duration::from_mins(5),
            margin: Duration::from_secs(10),
        }
    }
}
