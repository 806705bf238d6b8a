//! npm's certified `oidc-provider` on the loopback, for one test: `tests/oidc/provider.mjs` says what it takes.
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use super::PUBLIC_URL;

/// The secret of the clients that have one.
pub const SECRET: &str = "a secret of the tests, long enough for every algorithm";

/// A running provider.
pub struct Provider {
    /// `http://127.x.y.z:port`.
    pub issuer: String,
    wanted: Value,
    child: Option<Child>,
}

/// Why there can be none here; with `CI=true` that is a failure.
fn cannot(reason: &str) {
    let words = format!("SKIPPED real OpenID provider: {reason}");
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{words}, and with CI=true it has to run");
    #[expect(clippy::print_stdout, reason = "why a test was skipped is reported")]
    {
        println!("{words}");
    }
}

/// A client, as the provider has it registered.
fn client(id: &str, more: &Value) -> Value {
    let mut client = json!({
        "client_id": id,
        "client_secret": SECRET,
        "redirect_uris": [format!("{PUBLIC_URL}/api/auth/oidc/callback")],
        "grant_types": ["authorization_code"],
        "response_types": ["code"],
    });
    for (name, value) in more.as_object().unwrap().clone() {
        client[name] = value;
    }
    client.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    client
}

impl Provider {
    /// Starts one with these clients, or says why that can't be: `slurmdash` (its secret by Basic), `in-body` (in the
    /// body), `public` (none), and one that gets its ID tokens signed with each of `ES256`, `EdDSA` and `PS256`.
    pub fn start() -> Option<Self> {
        Self::with(&json!({}))
    }

    /// The same with more of what the script takes.
    pub fn with(more: &Value) -> Option<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oidc");
        if Command::new("node").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err() {
            cannot("node is missing");
            return None;
        }
        if !folder.join("node_modules/oidc-provider").is_dir() {
            cannot("its packages are missing: npm ci --prefix tests/oidc --ignore-scripts");
            return None;
        }
        // An address of its own: its port stays free while it is down.
        let [a, b, c] = slurmdash::random::bytes::<3>().unwrap();
        let mut wanted = json!({
            "host": format!("127.{a}.{b}.{}", c.clamp(2, 254)),
            "port": 0,
            "key": "first",
            "in_id_token": true,
            "token_seconds": 300,
            "clients": [
                client("slurmdash", &json!({})),
                client("in-body", &json!({"token_endpoint_auth_method": "client_secret_post"})),
                client("public", &json!({"token_endpoint_auth_method": "none", "client_secret": null})),
                client("ES256", &json!({"id_token_signed_response_alg": "ES256"})),
                client("EdDSA", &json!({"id_token_signed_response_alg": "EdDSA"})),
                client("PS256", &json!({"id_token_signed_response_alg": "PS256"})),
            ],
        });
        for (name, value) in more.as_object().unwrap().clone() {
            wanted[name] = value;
        }
        let mut provider = Self { issuer: String::new(), wanted, child: None };
        provider.up();
        Some(provider)
    }

    /// Starts it, again at its old address, and waits until it listens.
    pub fn up(&mut self) {
        let mut command = Command::new("node");
        command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oidc/provider.mjs"));
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        // It ends when this end of the pipe is gone, however this process ends.
        let mut stdin = child.stdin.take().unwrap();
        writeln!(stdin, "{}", self.wanted).unwrap();
        child.stdin = Some(stdin);
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error} in {line:?}"));
        ready["issuer"].as_str().unwrap().clone_into(&mut self.issuer);
        let port: u16 = self.issuer.rsplit_once(':').unwrap().1.parse().unwrap();
        self.wanted["port"] = port.into();
        self.child = Some(child);
    }

    /// Ends it.
    pub fn down(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// The same provider with other keys.
    pub fn change_keys(&mut self, name: &str) {
        self.down();
        self.wanted["key"] = name.into();
        self.up();
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.down();
    }
}
