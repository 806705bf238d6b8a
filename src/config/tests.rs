use super::*;

fn with_file(text: &str) -> Result<Loaded, ConfigError> {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("slurmdash.yaml");
    std::fs::write(&file, text).unwrap();
    load(Some(&file), &Flags::default())
}

fn problems(text: &str) -> Vec<String> {
    match with_file(text) {
        Err(ConfigError::Wrong { problems, .. }) => {
            problems.into_iter().map(|p| format!("{}: {}", p.key, p.message)).collect()
        }
        Err(other) => vec![other.to_string()],
        Ok(_) => Vec::new(),
    }
}

#[test]
fn an_empty_file_is_all_defaults() {
    for text in ["", "\n# nothing\n"] {
        assert_eq!(with_file(text).unwrap().config, Config::default());
    }
}

#[test]
fn values_come_from_the_file_and_say_so() {
    let loaded = with_file("http:\n  listen: 0.0.0.0:9000\n").unwrap();
    assert_eq!(loaded.config.http.listen.port(), 9000);
    let entries = entries(&loaded);
    let origin = |key: &str| entries.iter().find(|entry| entry.key == key).unwrap().origin.clone();
    assert!(origin("http.listen").ends_with("slurmdash.yaml"), "{}", origin("http.listen"));
    assert_eq!(origin("log.level"), "default");
    assert_eq!(origin("http.public_url"), "default");
}

#[test]
fn flags_win_over_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("slurmdash.yaml");
    std::fs::write(&file, "data_dir: /from/file\n").unwrap();
    let flags = Flags { data_dir: Some("/from/flag".into()), ..Flags::default() };
    let loaded = load(Some(&file), &flags).unwrap();
    assert_eq!(loaded.config.data_dir, Path::new("/from/flag"));
    let entry = entries(&loaded).into_iter().find(|entry| entry.key == "data_dir").unwrap();
    assert_eq!(entry.origin, "flag");
}

#[test]
fn what_is_wrong_is_named() {
    for (text, expected) in [
        ("htttp: {}\n", "htttp: is no key here"),
        ("http: {listn: 1}\n", "http.listn: is no key here"),
        ("http: {listen: nowhere}\n", "http.listen: "),
        ("http: {listen: [1]}\n", "http.listen: "),
        ("data_dir: relative\n", "data_dir: must be an absolute path"),
        ("slurm: {timeout_seconds: 0}\n", "slurm.timeout_seconds: must be between 1 and 600"),
        ("slurm: {backend: magic}\n", "slurm.backend: "),
        ("http: {public_url: 'javascript:alert(1)'}\n", "http.public_url: must be http"),
        ("log: {level: '=='}\n", "log.level: "),
        ("uploads: {max_file_size: -1}\n", "uploads.max_file_size: "),
        ("uploads: {dir: up}\n", "uploads.dir: must be an absolute path or begin with ~/"),
        ("uploads: {dir: '~'}\n", "uploads.dir: "),
        ("uploads: {dir: '~ada/up'}\n", "uploads.dir: "),
        ("uploads: {dir: '~/../up'}\n", "uploads.dir: "),
        ("store: {backup_keep: 0}\n", "store.backup_keep: must be between 1 and 10000"),
        ("auth: {oidc: {}}\n", "auth.oidc.issuer: must be the provider's address"),
        ("auth: {oidc: {}}\n", "auth.oidc.client_id: must be what the provider calls this program"),
        ("auth: {oidc: {}}\n", "http.public_url: must be given with auth.oidc"),
        ("auth: {oidc: {issuer: 'http://uni.example'}}\n", "auth.oidc.issuer: must begin with https://"),
        ("auth: {oidc: {client_secret: x}}\n", "auth.oidc.client_secret: is no key here"),
        ("auth: {oidc: {client_secret_file: secret}}\n", "auth.oidc.client_secret_file: must be an absolute path"),
        ("auth: {oidc: {ca_file: ca.pem}}\n", "auth.oidc.ca_file: must be an absolute path"),
        ("auth: {oidc: {name: ''}}\n", "auth.oidc.name: must be 1 to 64 characters"),
        ("auth: {oidc: {scopes: ['a b']}}\n", "auth.oidc.scopes: \"a b\" can't be a scope"),
        ("auth: {oidc: {groups_claim: ''}}\n", "auth.oidc.groups_claim: must be a claim's name"),
        ("auth: {oidc: {unix_user_domains: ['@uni.example']}}\n", "auth.oidc.unix_user_domains: must be domains"),
        ("auth: {oidc: {roles: {hpc: 'a b'}}}\n", "auth.oidc.roles: \"a b\" can't be a role's name"),
        ("auth: {oidc: {default_role: ''}}\n", "auth.oidc.default_role: \"\" can't be a role's name"),
        ("a: b: c\n", "line 1"),
    ] {
        let found = problems(text);
        assert!(found.iter().any(|line| line.contains(expected)), "{text:?} gave {found:?}");
    }
    assert_eq!(problems("uploads: {dir: '~/up'}\n"), Vec::<String>::new());
    let oidc = "http: {public_url: 'https://hpc.uni.example'}\nauth: {oidc: {issuer: 'https://login.uni.example/realms/uni', \
        client_id: slurmdash, roles: {/hpc/admins: admin}}}\n";
    assert_eq!(problems(oidc), Vec::<String>::new());
    assert!(matches!(load(Some(Path::new("/nowhere/at.all")), &Flags::default()), Err(ConfigError::Unreadable { .. })));
}
