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
        ("auth: {cluster: {group: [hpc]}}\n", "auth.cluster.group: is no key here"),
        ("auth: {cluster: {groups: hpc}}\n", "auth.cluster.groups: "),
        ("auth: {cluster: {groups: ['hpc:x']}}\n", "auth.cluster.groups: must name Unix groups"),
        ("auth: {cluster: {groups: ['']}}\n", "auth.cluster.groups: must name Unix groups"),
        ("auth: {cluster: {roles: {\"a\\nb\": user}}}\n", "auth.cluster.roles: must name Unix groups"),
        ("auth: {cluster: {roles: {staff: ''}}}\n", "auth.cluster.roles: must give the group staff"),
        ("auth: {cluster: {default_role: 'a b'}}\n", "auth.cluster.default_role: must be the name of a role"),
        ("store: {backup_keep: 0}\n", "store.backup_keep: must be between 1 and 10000"),
        ("tls: {mode: maybe}\n", "tls.mode: "),
        ("tls: {certificate: /a.pem}\n", "tls.key: is missing"),
        ("tls: {key: /a.key}\n", "tls.certificate: is missing"),
        ("tls: {certificate: a.pem, key: /a.key}\n", "tls.certificate: must be an absolute path"),
        ("tls: {redirect_listen: '0.0.0.0:80'}\n", "tls.redirect_listen: needs https"),
        ("tls: {hsts_days: 10000}\n", "tls.hsts_days: must be between 0 and 3650"),
        ("tls: {mode: on}\nhttp: {public_url: 'http://a.example'}\n", "http.public_url: begins with http://"),
        ("http: {max_connections: 0}\n", "http.max_connections: must be between 1 and"),
        ("http: {max_connections_per_address: 0}\n", "http.max_connections_per_address: must be between 1 and"),
        ("http: {trusted_proxies: [proxy]}\n", "http.trusted_proxies: must be addresses or networks"),
        ("http: {trusted_proxies: [10.0.0.1/8]}\n", "http.trusted_proxies: must be networks without"),
        ("http: {trusted_proxies: [0.0.0.0/0]}\n", "http.trusted_proxies: must not be everybody"),
        ("http: {trusted_proxies: ['::ffff:10.0.0.1']}\n", "http.trusted_proxies: must have IPv4"),
        ("http: {trusted_proxies: 10.0.0.1}\n", "http.trusted_proxies: "),
        ("limits: {stranger_per_minute: 0}\n", "limits.stranger_per_minute: must be between 1 and 1000000"),
        ("limits: {user_per_minute: -1}\n", "limits.user_per_minute: "),
        ("limits: {login_failures_per_minute: 101}\n", "limits.login_failures_per_minute: must be between 1 and 100"),
        ("limits: {max_keys: 10}\n", "limits.max_keys: must be between 1000 and 10000000"),
        ("limits: {routes: {'GET /api/jobs': {requests: 0, seconds: 1}}}\n", "limits.routes.GET /api/jobs.requests: "),
        (
            "limits: {routes: {'GET /api/jobs': {requests: 1, seconds: 86401}}}\n",
            "limits.routes.GET /api/jobs.seconds: ",
        ),
        (
            "limits: {routes: {'GET /api/jobs': {requests: 1}}}\n",
            "limits.routes.GET /api/jobs: missing field `seconds`",
        ),
        ("limits: {routes: {'GET /x': {requests: 1, second: 1}}}\n", "limits.routes.GET /x.second: is no key here"),
        (
            "limits: {routes: {'/api/jobs': {requests: 1, seconds: 1}}}\n",
            "limits.routes./api/jobs: must be a method and",
        ),
        ("limits: {routes: {'get /x': {requests: 1, seconds: 1}}}\n", "limits.routes.get /x: must be a method and"),
        ("limits: {routes: {'GET /x\"': {requests: 1, seconds: 1}}}\n", "limits.routes.GET /x\": must be a method and"),
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

#[test]
fn groups_of_the_cluster_admit_and_give_roles() {
    let text = "auth: {cluster: {enabled: true, groups: [hpc, 'domain users'], roles: {ops: operator, hpc: user, wheel: admin, \
                staff: admin}}}\n";
    let rules = with_file(text).unwrap().config.auth.cluster;
    let of = |groups: &[&str]| groups.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert!(rules.admits(&of(&["x", "hpc"])) && rules.admits(&of(&["domain users"])));
    assert!(!rules.admits(&of(&["hp", "ops"])) && !rules.admits(&[]));
    assert!(ClusterSignIn::default().admits(&[]));
    assert_eq!(rules.roles_of(&of(&["staff", "wheel", "ops"])), ["admin", "operator"]);
    assert_eq!(rules.roles_of(&of(&["x"])), ["user"]);
}

#[test]
fn tls_is_spoken_beyond_loopback_unless_told_otherwise() {
    for (text, tls) in [
        ("", false),
        ("http: {listen: '[::1]:1'}\n", false),
        ("http: {listen: '127.9.9.9:1'}\n", false),
        ("http: {listen: '[::ffff:127.0.0.1]:1'}\n", false),
        ("http: {listen: '0.0.0.0:1'}\n", true),
        ("http: {listen: '[::]:1'}\n", true),
        ("http: {listen: '10.0.0.1:1'}\n", true),
        ("http: {listen: '10.0.0.1:1'}\ntls: {mode: off}\n", false),
        ("tls: {mode: on}\n", true),
    ] {
        let config = with_file(text).unwrap().config;
        assert_eq!((config.serves_tls(), config.is_https()), (tls, tls), "{text:?}");
    }
    let behind = with_file("http: {public_url: 'https://a.example'}\ntls: {mode: off}\n").unwrap().config;
    assert!(behind.is_https() && !behind.serves_tls());
}

#[test]
fn networks_and_routes_are_read() {
    let loaded = with_file(
        "http: {trusted_proxies: [192.0.2.7, '10.0.0.0/8', 'fd00::/8']}\n\
         limits:\n  routes:\n    POST /api/jobs/submit: {requests: 3, seconds: 30}\n    GET /api/jobs/{id}: {requests: 9, seconds: 9}\n",
    )
    .unwrap();
    let networks: Vec<String> = loaded.config.http.trusted_proxies.iter().map(ToString::to_string).collect();
    assert_eq!(networks, ["192.0.2.7/32", "10.0.0.0/8", "fd00::/8"]);
    let limit = |route: &str| loaded.config.limits.routes.get(route).map(|limit| (limit.requests, limit.seconds));
    assert_eq!(limit("POST /api/jobs/submit"), Some((3, 30)));
    assert_eq!(limit("GET /api/jobs/{id}"), Some((9, 9)));
    assert_eq!(limit("POST /api/apptainer/scan"), Some((5, 300)), "the defaults that the file does not name stay");
    let entries = entries(&loaded);
    let entry = |key: &str| entries.iter().find(|entry| entry.key == key).unwrap();
    assert!(entry("limits.routes.POST /api/jobs/submit.requests").origin.ends_with("slurmdash.yaml"));
    assert_eq!(entry("limits.routes.POST /api/apptainer/scan.requests").origin, "default");
    assert_eq!(entry("http.trusted_proxies").value[0], "192.0.2.7/32");
}
