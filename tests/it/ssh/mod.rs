//! Acting as somebody over a real sshd: who is let in, who is not, and what happens when it breaks.
mod breaking;
mod hostile_host;
mod letting_in;
mod passwords;
mod second_factor;
pub mod sshd;
