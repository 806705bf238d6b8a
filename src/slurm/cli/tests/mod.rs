//! The parsers against what real releases print, and the commands against fakes that misbehave.

mod hostile;
mod parsers;
mod pings;
mod releases;
