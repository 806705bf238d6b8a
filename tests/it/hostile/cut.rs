//! A connection that breaks at every place of a submission, on a real cluster over a real sshd: exactly one job or none,
//! the person is told which, and asking again with the same key makes one.
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use reqwest::{Method, Response};
use serde_json::{Value, json};
use slurmdash::config::{Backend, Config};
use slurmdash::secret::Secret;
use slurmdash::store::audit::{AuditEntry, By};
use slurmdash::store::users::UserRecord;
use slurmdash::users;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::real::RealCluster;
use crate::support::{TestApp, json};

/// Which way a piece goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// From the server to sshd.
    There,
    /// From sshd to the server.
    Back,
}

/// The cable between server and sshd.
struct Cable {
    port: u16,
    plan: Arc<Plan>,
    _tasks: JoinSet<()>,
}

/// When it is cut: before this many pieces more have passed one way. Negative is never.
struct Plan {
    way: Mutex<Way>,
    left: AtomicI64,
}

impl Plan {
    /// Whether a piece still passes.
    fn passes(&self, way: Way) -> bool {
        *self.way.lock().unwrap() != way || self.left.fetch_sub(1, Ordering::SeqCst) != 0
    }
}

impl Cable {
    async fn to(sshd: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let plan = Arc::new(Plan { way: Mutex::new(Way::There), left: AtomicI64::new(-1) });
        let mut tasks = JoinSet::new();
        let shared = plan.clone();
        tasks.spawn(async move {
            let mut sessions = JoinSet::new();
            while let Ok((near, _)) = listener.accept().await {
                let plan = shared.clone();
                sessions.spawn(async move {
                    let Ok(far) = TcpStream::connect(sshd).await else { return };
                    let ((near_read, near_write), (far_read, far_write)) = (near.into_split(), far.into_split());
                    // Whichever way is cut first takes the other with it.
                    tokio::select! {
                        () = carry(near_read, far_write, &plan, Way::There) => {}
                        () = carry(far_read, near_write, &plan, Way::Back) => {}
                    }
                });
            }
        });
        Self { port, plan, _tasks: tasks }
    }

    /// Cuts it when `pieces` have passed this way from now on.
    fn cut_after(&self, way: Way, pieces: i64) {
        *self.plan.way.lock().unwrap() = way;
        self.plan.left.store(pieces, Ordering::SeqCst);
    }

    /// Whether it was cut as planned; it is whole again afterwards.
    fn mend(&self) -> bool {
        self.plan.left.swap(-1, Ordering::SeqCst) < 0
    }
}

async fn carry(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    plan: &Plan,
    way: Way,
) {
    let mut block = vec![0; 64 * 1024];
    while let Ok(read @ 1..) = from.read(&mut block).await {
        if !plan.passes(way) || to.write_all(&block[..read]).await.is_err() {
            return;
        }
    }
}

const PASSWORD: &str = "correct horse battery staple";

/// A server whose people are the cluster's, over the cable.
async fn server(cluster: &RealCluster, cable: &Cable, folder: &Path) -> (TestApp, String) {
    let person = cluster.people()[0].to_owned();
    let program = folder.join("slurmdash");
    let built = Path::new(env!("CARGO_BIN_EXE_slurmdash"));
    std::fs::hard_link(built, &program).or_else(|_| std::fs::copy(built, &program).map(drop)).unwrap();
    let known = folder.join("known_hosts");
    let (_, key) = cluster.login_host().known_host.split_once(' ').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    std::fs::write(&known, format!("[127.0.0.1]:{} {key}\n", cable.port)).unwrap();
    let (conf, port) = (cluster.conf.clone(), cable.port);
    let app = TestApp::with(|config: &mut Config| {
        config.slurm.backend = Backend::Cli;
        config.slurm.conf = Some(conf);
        config.slurm.timeout_seconds = 2;
        config.ssh.enabled = true;
        config.ssh.host = "127.0.0.1".into();
        config.ssh.port = port;
        config.ssh.known_hosts = known;
        config.ssh.agent_path = Some(program);
    })
    .await;
    let keys = slurmdash::ssh::Ca::open(&app.app.config.ssh_ca_dir()).unwrap().keys().unwrap();
    cluster.trust(&keys[0].line);
    let now = app.app.clock.now();
    let hash = users::hash(&Secret::new(PASSWORD.into())).unwrap();
    let account = users::new_account(&person, hash, vec!["user".into()], now).unwrap();
    let account = UserRecord { unix_user: Some(person.clone()), ..account };
    assert!(app.app.store.add_user(account, AuditEntry::done(By::system(now), "user.create", &person)).await.unwrap());
    let token = json(app.login(&person, PASSWORD).await).await["access_token"].as_str().unwrap().to_owned();
    (app, token)
}

async fn submit(app: &TestApp, token: &str, name: &str) -> Response {
    let body = json!({"job_name": name, "command": "true"});
    let request = app.anonymous(Method::POST, "/api/jobs/submit").bearer_auth(token).header("Idempotency-Key", name);
    request.json(&body).send().await.unwrap()
}

/// How many jobs of this name Slurm knows.
fn jobs_named(cluster: &RealCluster, name: &str) -> usize {
    let listed = cluster.as_root("squeue", &["--noheader", "--all", "--states=all", "--Format=Name:.256"]);
    listed.lines().filter(|line| line.trim() == name).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real_submissions_cut_at_every_place_make_one_job_or_none() {
    let Some(cluster) = RealCluster::or_skip("a submission that is cut").await else { return };
    let folder = RealCluster::open_folder();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let cable = Cable::to(cluster.login_host().address).await;
    let (app, token) = server(&cluster, &cable, folder.path()).await;
    assert_eq!(submit(&app, &token, "cut-warm-up").await.status(), 201);
    let (mut made, mut none) = (0, 0);
    for way in [Way::There, Way::Back] {
        for piece in 0.. {
            assert!(piece < 200, "a submission is a few pieces");
            let name = format!("cut-{way:?}-{piece}");
            // Connected, so that the pieces are those of the submission.
            let test = app.anonymous(Method::POST, "/api/jobs/test").bearer_auth(&token);
            assert_eq!(test.json(&json!({"job_name": "t", "command": "true"})).send().await.unwrap().status(), 200);
            cable.cut_after(way, piece);
            let answer = submit(&app, &token, &name).await;
            let was_cut = cable.mend();
            let (status, body): (u16, Value) = (answer.status().as_u16(), json(answer).await);
            let jobs = jobs_named(&cluster, &name);
            match (status, body["code"].as_str()) {
                (201, _) => assert_eq!(jobs, 1, "{name}: {body}"),
                (503, Some("not_submitted" | "login_host_away")) => assert_eq!(jobs, 0, "{name}: {body}"),
                _ => panic!("{name}: {status} {body}"),
            }
            if jobs == 1 {
                made += 1;
            } else {
                none += 1;
            }
            let again = submit(&app, &token, &name).await;
            assert_eq!(again.status(), 201, "{name}: asked again");
            assert_eq!(jobs_named(&cluster, &name), 1, "{name}: asked again, still one");
            if !was_cut {
                break;
            }
        }
    }
    assert!(made > 2 && none > 0, "cuts before and after the job was made: {made} made, {none} not");
}
