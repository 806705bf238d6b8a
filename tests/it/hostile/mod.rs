//! Whatever hostile or broken things come in about jobs: a clear answer, nothing lost, nothing doubled, nothing run that
//! was not meant.
//!
//! [`input`]: what people type. [`cut`]: a connection that breaks at every place of a submission, on a real cluster over
//! a real sshd. [`agent`]: agents that don't keep to the protocol. What a hostile login host or a stolen certificate does is in `ssh/`.
//! [`identity`]: forged tokens, stolen keys, floods, and whoever else wants to be somebody else.
mod agent;
mod cut;
mod identity;
mod input;
