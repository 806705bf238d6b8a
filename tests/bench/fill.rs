//! A store of the size that the limits are for.
use fastrand::Rng;
use slurmdash::store::api_keys::ApiKeyRecord;
use slurmdash::store::audit::{AuditEntry, By};
use slurmdash::store::events::{Kind, NewEvent, Severity};
use slurmdash::store::history::HistoryRecord;
use slurmdash::store::images::ImageRecord;
use slurmdash::store::notifications::NotificationRecord;
use slurmdash::store::sessions::SessionRecord;
use slurmdash::store::templates::TemplateRecord;
use slurmdash::store::tx::Tx;
use slurmdash::store::uploads::UploadRecord;
use slurmdash::store::users::UserRecord;
use slurmdash::store::{Store, StoreError};
use slurmdash_api::auth::AccountSource;
use slurmdash_api::jobs::{Job, JobState};
use slurmdash_api::uploads::UploadStatus;

/// Accounts. Everything else belongs to one of them, in no order.
pub const USERS: u64 = 1000;
/// Rows of the audit log.
const AUDIT: u64 = 1_000_000;
const JOBS: u64 = 200_000;
const UPLOADS: u64 = 50_000;
const OTHERS: u64 = 20_000;
/// Rows in one transaction.
const BATCH: u64 = 10_000;
/// When the first row was written; one a second from then on.
pub const BEGIN: i64 = 1_700_000_000;
/// When the last row was written.
pub const END: i64 = BEGIN + 1_000_000;

pub const ACTIONS: [&str; 12] = [
    "session.begin",
    "session.end",
    "session.refresh",
    "user.create",
    "upload.begin",
    "upload.finish",
    "upload.remove",
    "job.submit",
    "job.cancel",
    "template.put",
    "template.remove",
    "api_key.create",
];
pub const STATES: [JobState; 5] =
    [JobState::Completed, JobState::Failed, JobState::Cancelled, JobState::Timeout, JobState::Running];
pub const STATUSES: [UploadStatus; 3] = [UploadStatus::Completed, UploadStatus::Cancelled, UploadStatus::Uploading];
pub const PARTITIONS: [&str; 4] = ["cpu", "gpu", "viz", ""];
pub const KINDS: [&str; 3] = ["viz", "compute", "custom"];
pub const CATEGORIES: [&str; 6] = ["ml", "cfd", "bio", "viz", "chem", "other"];

/// Numbers that look random and are the same every time.
pub struct Dice(Rng);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(Rng::with_seed(seed))
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.0.u64(..end)
    }

    pub fn of<T: Copy>(&mut self, list: &[T]) -> T {
        list[usize::try_from(self.below(list.len() as u64)).unwrap_or_default()]
    }

    pub fn user(&mut self) -> String {
        user(self.below(USERS))
    }
}

pub fn user(number: u64) -> String {
    format!("{number:032x}")
}

/// One of two hundred.
pub fn address(dice: &mut Dice) -> String {
    format!("10.0.3.{}", dice.below(200))
}

fn time(number: u64, of: u64) -> i64 {
    BEGIN + i64::try_from(number * 1_000_000 / of).unwrap_or_default()
}

fn entry(dice: &mut Dice, at: i64) -> AuditEntry {
    let number = dice.below(USERS);
    let by = By {
        at,
        user_id: Some(user(number)),
        username: Some(format!("user{number}")),
        address: address(dice).parse().ok(),
        agent: Some("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0".into()),
        request_id: Some(format!("{:032x}", dice.below(u64::MAX))),
        key_id: None,
    };
    let error = (dice.below(20) == 0).then(|| "this needs a permission; ask an administrator for it".to_owned());
    let resource = Some(format!("{:032x}", dice.below(u64::MAX)));
    AuditEntry { by, action: dice.of(&ACTIONS), resource, error }
}

fn job(dice: &mut Dice, number: u64) -> HistoryRecord {
    let at = time(number, JOBS);
    let id = u32::try_from(number).unwrap_or_default() + 1;
    HistoryRecord {
        job: Job {
            id: id.to_string(),
            job_id: id,
            array_job_id: None,
            name: format!("training-{number}"),
            user: "ada".into(),
            owner: Some("ada".into()),
            account: Some("physics".into()),
            partition: "gpu".into(),
            qos: Some("normal".into()),
            state: dice.of(&STATES),
            reason: None,
            nodes: 2,
            tasks: Some(8),
            cpus: 64,
            memory: Some(256_000),
            gpus: 8,
            node_list: Some("node[001-002]".into()),
            submit_time: Some(at),
            start_time: Some(at + 60),
            end_time: Some(at + 3600),
            time_limit: Some(7200),
            elapsed: 3540,
            priority: Some(4_294_901_743),
            template: Some("pytorch-training".into()),
        },
        owner_id: dice.user(),
        submitted_at: at,
        category: Some("ml".into()),
        work_dir: format!("/srv/slurmdash/jobs/{number}"),
        stdout: "slurm-%j.out".into(),
        files: vec!["/srv/slurmdash/uploads/users/ada/data/set.tar.gz".into()],
        exit_code: Some(0),
        signal: None,
        usage: None,
    }
}

fn upload(dice: &mut Dice, number: u64) -> UploadRecord {
    let at = time(number, UPLOADS);
    UploadRecord {
        id: format!("{:032x}", number.wrapping_mul(0x9E37_79B9_7F4A_7C15)),
        owner_id: dice.user(),
        username: "ada".into(),
        filename: format!("set-{number}.tar.gz"),
        file_size: 5 << 30,
        chunk_size: 5 << 20,
        job_id: None,
        folder: "users/ada/data".into(),
        overwrite: false,
        status: dice.of(&STATUSES),
        created_at: at,
        updated_at: at + 60,
        uploaded_chunks: 0,
        inode: Some(number),
    }
}

fn image(dice: &mut Dice, number: u64) -> ImageRecord {
    ImageRecord {
        node: format!("node{:03}", number % 200),
        path: format!("/opt/images/app-{number}.sif"),
        name: format!("app-{}", dice.below(OTHERS)),
        partition: dice.of(&PARTITIONS).into(),
        kind: dice.of(&KINDS).into(),
        size: 1 << 30,
        version: Some("1.2.3".into()),
        description: Some("An application".into()),
        arch: Some("amd64".into()),
        labels: [("org.label-schema.build-date".to_owned(), "Monday".to_owned())].into(),
        seen_at: BEGIN,
    }
}

fn template(dice: &mut Dice, number: u64) -> TemplateRecord {
    TemplateRecord {
        id: format!("template-{number}"),
        name: format!("Template {number}"),
        description: Some("What it is for, in a sentence".into()),
        category: dice.of(&CATEGORIES).into(),
        is_public: dice.below(2) == 0,
        owner_id: Some(dice.user()),
        created_at: time(number, OTHERS),
        updated_at: time(number, OTHERS),
        definition: Some("x".repeat(500)),
    }
}

fn api_key(dice: &mut Dice, number: u64) -> ApiKeyRecord {
    let at = time(number, OTHERS);
    ApiKeyRecord {
        id: format!("{:032x}", number.wrapping_mul(0x9E37_79B9_7F4A_7C15)),
        user_id: dice.user(),
        name: "front end".into(),
        key_hash: key_hash(number),
        permissions: vec!["job:submit".into(), "job:view".into()],
        created_at: at,
        expires_at: Some(at + 90 * 86_400),
        last_used_at: None,
        revoked_at: (dice.below(3) == 0).then_some(at + 60),
    }
}

pub fn key_hash(number: u64) -> String {
    format!("{:064x}", u128::from(number).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835))
}

/// The numbers below `of`, in transactions of [`BATCH`].
fn batches(store: &Store, of: u64, put: fn(&Tx<'_>, &mut Dice, u64) -> Result<(), StoreError>) {
    for begin in (0..of).step_by(usize::try_from(BATCH).unwrap_or(1)) {
        let done = store.write_blocking(move |tx| {
            let mut dice = Dice::new(begin);
            (begin..of.min(begin + BATCH)).try_for_each(|number| put(tx, &mut dice, number))?;
            Ok(tx.housekeeping(()))
        });
        done.expect("filling the store");
    }
}

/// Fills an empty store.
pub fn fill(store: &Store) {
    batches(store, USERS, |tx, _, number| {
        let username = format!("user{number}");
        let permissions = slurmdash_api::auth::Permission::ALL.to_vec();
        let password_hash = "x".repeat(97);
        let id = user(number);
        tx.put(&UserRecord {
            id,
            username,
            password_hash,
            permissions,
            created_at: BEGIN,
            is_active: true,
            email: None,
            unix_user: None,
            roles: Vec::new(),
            source: AccountSource::Local,
            subject: None,
            last_login_at: None,
        })
        .map(drop)
    });
    batches(store, OTHERS, |tx, dice, number| {
        let at = time(number, OTHERS);
        let session = SessionRecord {
            id: format!("{:032x}", number.wrapping_mul(0x9E37_79B9_7F4A_7C15)),
            user_id: dice.user(),
            token_hash: key_hash(number),
            created_at: at,
            expires_at: at + 7 * 86_400,
            before: Vec::new(),
            agent: None,
            address: None,
            last_used_at: None,
            source: AccountSource::Local,
        };
        tx.put(&session)?;
        tx.put(&api_key(dice, number))?;
        tx.put(&image(dice, number))?;
        tx.put(&template(dice, number))?;
        // Each at its own address: none is the same as another.
        let [a, b, c, _] = u32::try_from(number << 8).unwrap_or_default().to_be_bytes();
        let entry = entry(dice, at);
        let by = By { address: Some(std::net::IpAddr::from([10, a, b, c])), ..entry.by };
        let kind = Kind { word: "test", action: "security.test", severity: dice.of(&Severity::ALL), worse_from: &[] };
        let event = NewEvent::once(kind, "something that somebody should look at".to_owned());
        tx.append_event(&AuditEntry { by, ..entry }, &event)?;
        tx.put_notification(NotificationRecord {
            seq: 0,
            user_id: dice.user(),
            at,
            kind: "job_ended".into(),
            title: format!("Job {number} has ended"),
            message: "It ran for 59 minutes and ended with exit code 0.".into(),
            link: Some(format!("/jobs/{number}")),
            is_read: dice.below(2) == 0,
        })
        .map(drop)
    });
    batches(store, UPLOADS, |tx, dice, number| tx.put(&upload(dice, number)).map(drop));
    batches(store, JOBS, |tx, dice, number| {
        let script =
            format!("#!/bin/bash\n#SBATCH --job-name=training-{number}\n{}\n", "srun python train.py\n".repeat(47));
        tx.put_submission(&job(dice, number), &script, "{}")
    });
    batches(store, AUDIT, |tx, dice, number| tx.append_audit(&entry(dice, time(number, AUDIT))));
}
