//! Acting as somebody over a real sshd: who is let in, who is not, and what happens when it breaks.
mod breaking;
mod letting_in;
pub mod sshd;
