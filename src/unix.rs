//! The Unix user that this program runs as.

/// Login of the user we run as, as far as this host's own list knows it; the user id in digits otherwise.
pub fn own_login() -> String {
    let uid = rustix::process::getuid().as_raw();
    let list = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let mut users = list.lines().map(|line| line.split(':'));
    let login = users.find_map(|mut fields| {
        let login = fields.next()?;
        (fields.nth(1)?.parse() == Ok(uid)).then(|| login.to_owned())
    });
    login.unwrap_or_else(|| uid.to_string())
}
