//! Whatever hostile or broken things come in about jobs: a clear answer, nothing lost, nothing doubled, nothing run that
//! was not meant.
//!
//! [`input`]: what people type. [`cut`]: a connection that breaks at every place of a submission, on a real cluster over
//! a real sshd. What a hostile login host, agent or certificate does is in `agent.rs` and `ssh/`.
mod cut;
mod input;
