//! The far end of a connection alone, for the tests with a real sshd: they bring this program instead of slurmdash.
use slurmdash_installer::host::HostError;
use slurmdash_installer::host::local::Local;
use slurmdash_installer::reach::serve;

fn main() -> Result<(), HostError> {
    if std::env::args().nth(1).as_deref() != Some("install-host") {
        return Err(HostError::Malformed("its one command is install-host".into()));
    }
    serve(&Local::open()?, std::io::stdin().lock(), std::io::stdout().lock())
}
