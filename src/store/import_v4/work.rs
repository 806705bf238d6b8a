//! Uploads and submitted jobs.
use aws_lc_rs::digest::{SHA256, digest};
use slurmdash_api::jobs::{Job, JobState};
use slurmdash_api::uploads::{DEFAULT_CHUNK_SIZE, UploadStatus, total_chunks};

use super::Refusal;
use super::fields::{Column, Fields, LINE, NAME, WORD, quoted};
use super::item::{Item, apart};
use super::people::People;
use crate::store::history::HistoryRecord;
use crate::store::uploads::UploadRecord;

const USER: Column = Column(&["user_id", "owner_id", "user", "username"]);
const STATUS: Column = Column(&["status", "state"]);

/// The old id of an upload.
pub const UPLOAD_ID: Column = Column(&["upload_id", "id"]);
const FILENAME: Column = Column(&["filename", "file_name", "original_filename", "name"]);
const FILE_SIZE: Column = Column(&["file_size", "size", "total_size"]);
const CHUNK_SIZE: Column = Column(&["chunk_size"]);
const UPLOADED_CHUNKS: Column = Column(&["uploaded_chunks", "chunks_uploaded", "received_chunks"]);
const TOTAL_CHUNKS: Column = Column(&["total_chunks", "chunks_total"]);
const STORAGE_PATH: Column = Column(&["file_path", "storage_path", "final_path", "path"]);
const JOB_FOLDER: Column = Column(&["job_id"]);
const CREATED_AT: Column = Column(&["created_at", "started_at", "created"]);
const COMPLETED_AT: Column = Column(&["completed_at", "updated_at", "finished_at"]);

/// Every column of `file_uploads` that something is taken from.
pub const UPLOAD_COLUMNS: &[Column] = &[
    UPLOAD_ID,
    USER,
    STATUS,
    FILENAME,
    FILE_SIZE,
    CHUNK_SIZE,
    UPLOADED_CHUNKS,
    TOTAL_CHUNKS,
    STORAGE_PATH,
    JOB_FOLDER,
    CREATED_AT,
    COMPLETED_AT,
];

/// Reads one upload.
pub fn upload(fields: &mut Fields<'_>, people: &People) -> Result<Item, Refusal> {
    let owner = people.named(fields, USER)?.ok_or("names no user")?;
    let id = format!("v4-{}", fields.id());
    let filename = match fields.exact(FILENAME, 255) {
        Some(name) if is_component(&name) => name,
        given => {
            if given.is_some() || fields.is_set(FILENAME) {
                fields.adjust("filename: can't be a file's name; its id is taken");
            }
            id.clone()
        }
    };
    let created_at = fields.time_or_zero(CREATED_AT);
    let file_size = fields.number(FILE_SIZE).unwrap_or(0);
    let chunk_size = fields.number(CHUNK_SIZE).filter(|size| total_chunks(file_size, *size).is_some());
    let status = upload_status(fields);
    let chunks = fields.small_number(UPLOADED_CHUNKS).or_else(|| fields.small_number(TOTAL_CHUNKS)).unwrap_or(0);
    let username = owner.username.unwrap_or_else(|| owner.id.clone());
    let job_id = fields.exact(JOB_FOLDER, WORD).filter(|job_id| is_job_folder(job_id));
    let path = fields.line(STORAGE_PATH, LINE).unwrap_or_default();
    Ok(Item::Upload(UploadRecord {
        folder: folder(&path, &filename, &username, job_id.as_deref()).unwrap_or_else(|| apart(&id)),
        id,
        owner_id: owner.id,
        username,
        filename,
        file_size,
        chunk_size: chunk_size.unwrap_or(DEFAULT_CHUNK_SIZE),
        job_id,
        overwrite: false,
        status,
        created_at,
        updated_at: fields.time(COMPLETED_AT).unwrap_or(created_at),
        uploaded_chunks: chunks,
        inode: None,
    }))
}

fn upload_status(fields: &mut Fields<'_>) -> UploadStatus {
    let word = fields.line(STATUS, WORD).unwrap_or_default();
    match word.to_ascii_lowercase().as_str() {
        "completed" | "complete" | "done" | "finished" | "success" | "uploaded" => UploadStatus::Completed,
        "cancelled" | "canceled" => UploadStatus::Cancelled,
        // Its pieces lie where only the old system knows: it can't go on here.
        _ => {
            fields.adjust(format!("status: {} is not complete and becomes cancelled", quoted(&word)));
            UploadStatus::Cancelled
        }
    }
}

/// The folder of a file below the folder of all uploads, where the old path ends in its owner's own folder or in its
/// job's, so that no row can lead to a file of somebody else.
fn folder(path: &str, filename: &str, username: &str, job_id: Option<&str>) -> Option<String> {
    let folder = path.strip_suffix(filename).unwrap_or(path).trim_end_matches('/');
    let mut names = folder.rsplit('/');
    let (kind, whose, root) = (names.next()?, names.next()?, names.next()?);
    let is_theirs = match root {
        "users" => whose == username && is_component(username),
        "jobs" => Some(whose) == job_id,
        _ => false,
    };
    (is_theirs && is_component(kind) && !kind.starts_with('.')).then(|| format!("{root}/{whose}/{kind}"))
}

fn is_component(name: &str) -> bool {
    !matches!(name, "" | "." | "..") && !name.contains(['/', '\\']) && !name.chars().any(char::is_control)
}

fn is_job_folder(job_id: &str) -> bool {
    (1..=64).contains(&job_id.len()) && job_id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}

/// The old id of a submission.
pub const HISTORY_ID: Column = Column(&["id", "history_id"]);
const JOB_ID: Column = Column(&["slurm_job_id", "slurm_id", "job_id", "jobid"]);
const JOB_NAME: Column = Column(&["job_name", "name"]);
const UNIX_USER: Column = Column(&["unix_user", "run_as", "slurm_user"]);
const ACCOUNT: Column = Column(&["account"]);
const PARTITION: Column = Column(&["partition"]);
const QOS: Column = Column(&["qos"]);
const NODES: Column = Column(&["nodes", "num_nodes", "node_count"]);
const CPUS: Column = Column(&["cpus", "num_cpus", "cpu_count"]);
const GPUS: Column = Column(&["gpus", "num_gpus", "gpu_count"]);
const MEMORY: Column = Column(&["memory", "memory_mb", "mem"]);
const NODE_LIST: Column = Column(&["node_list", "nodelist"]);
const SUBMIT_TIME: Column = Column(&["submit_time", "submitted_at", "created_at"]);
const START_TIME: Column = Column(&["start_time", "started_at"]);
const END_TIME: Column = Column(&["end_time", "ended_at", "completed_at", "finished_at"]);
const EXIT_CODE: Column = Column(&["exit_code"]);
const TEMPLATE: Column = Column(&["template_id", "template"]);
const CATEGORY: Column = Column(&["category", "template_category"]);
const SCRIPT: Column = Column(&["script", "script_content", "job_script", "batch_script"]);
const WORK_DIR: Column = Column(&["work_dir", "working_dir", "workdir", "working_directory"]);

/// Every column of `job_history` that something is taken from. Paths of output are not among them: the server reads
/// what is at such a path for the job's owner, and an old row is no proof that it is theirs.
pub const HISTORY_COLUMNS: &[Column] = &[
    HISTORY_ID,
    USER,
    STATUS,
    JOB_ID,
    JOB_NAME,
    UNIX_USER,
    ACCOUNT,
    PARTITION,
    QOS,
    NODES,
    CPUS,
    GPUS,
    MEMORY,
    NODE_LIST,
    SUBMIT_TIME,
    START_TIME,
    END_TIME,
    EXIT_CODE,
    TEMPLATE,
    CATEGORY,
    SCRIPT,
    WORK_DIR,
];

/// Reads one submission.
pub fn history(fields: &mut Fields<'_>, people: &People) -> Result<Item, Refusal> {
    let owner = people.named(fields, USER)?.ok_or("names no user")?;
    let (id, job_id, array_job_id) = job_number(fields);
    let submitted_at = fields.time(SUBMIT_TIME).ok_or("has no submit_time")?;
    let (start_time, end_time) = (fields.time(START_TIME), fields.time(END_TIME));
    let (exit_code, signal) = exit_code(fields);
    let name = owner.username.clone().unwrap_or_else(|| owner.id.clone());
    let job = Job {
        name: fields.line(JOB_NAME, NAME).unwrap_or_else(|| id.clone()),
        id,
        job_id,
        array_job_id,
        user: fields.line(UNIX_USER, NAME).unwrap_or_else(|| name.clone()),
        owner: Some(name),
        account: fields.line(ACCOUNT, WORD),
        partition: fields.line(PARTITION, WORD).unwrap_or_default(),
        qos: fields.line(QOS, WORD),
        state: state(fields),
        reason: None,
        nodes: fields.small_number(NODES).unwrap_or(0),
        tasks: None,
        cpus: fields.small_number(CPUS).unwrap_or(0),
        memory: memory(fields),
        gpus: fields.small_number(GPUS).unwrap_or(0),
        node_list: fields.line(NODE_LIST, LINE),
        submit_time: Some(submitted_at),
        start_time,
        end_time,
        time_limit: None,
        elapsed: start_time.zip(end_time).map_or(0, |(start, end)| end.saturating_sub(start).try_into().unwrap_or(0)),
        priority: None,
        template: fields.line(TEMPLATE, NAME),
    };
    let record = HistoryRecord {
        job,
        owner_id: owner.id,
        submitted_at,
        category: fields.line(CATEGORY, WORD),
        work_dir: fields.line(WORK_DIR, LINE).unwrap_or_default(),
        stdout: String::new(),
        files: Vec::new(),
        exit_code,
        signal,
        usage: None,
    };
    Ok(Item::History(Box::new(record), fields.document(SCRIPT)))
}

/// The id that a person uses, Slurm's own number, and the array's. Where the old row has no number of its own the job
/// gets one from its old id, above all that Slurm gives out: two jobs of one second must not be taken for the same.
fn job_number(fields: &mut Fields<'_>) -> (String, u32, Option<u32>) {
    let text = fields.exact(JOB_ID, WORD).unwrap_or_default();
    let (number, task) = text.split_once('_').map_or((text.as_str(), None), |(number, task)| (number, Some(task)));
    let number = number.parse::<u32>().ok().filter(|number| (1..OURS).contains(number));
    match (number, task) {
        (Some(number), None) => (text, number, None),
        (Some(number), Some(_)) => {
            let own = number_from(&text);
            (text, own, Some(number))
        }
        (None, _) => {
            if fields.has(JOB_ID) {
                fields.adjust("job_id: is no number of Slurm's; the old row's id is taken");
            }
            let id = format!("v4-{}", fields.id());
            let own = number_from(&id);
            (id, own, None)
        }
    }
}

/// Slurm's numbers end far below.
const OURS: u32 = 1 << 31;

fn number_from(id: &str) -> u32 {
    let digest = digest(&SHA256, id.as_bytes());
    let first = digest.as_ref().iter().take(4).fold(0, |number, byte| number << 8 | u32::from(*byte));
    OURS | first
}

fn state(fields: &mut Fields<'_>) -> JobState {
    let word = fields.line(STATUS, WORD).unwrap_or_default();
    let state = match word.to_ascii_uppercase().as_str() {
        "SUBMITTED" | "QUEUED" => JobState::Pending,
        "CANCELED" => JobState::Cancelled,
        "ERROR" => JobState::Failed,
        other => JobState::parse(other),
    };
    if state == JobState::Unknown && !word.eq_ignore_ascii_case("UNKNOWN") {
        fields.adjust(format!("status: {} is not known", quoted(&word)));
    }
    state
}

/// Exit code and signal: a number, or both as Slurm writes them (`1:0`).
fn exit_code(fields: &mut Fields<'_>) -> (Option<i32>, Option<i32>) {
    let Some(text) = fields.line(EXIT_CODE, WORD) else { return (None, None) };
    let (code, signal) = text.split_once(':').unwrap_or((&text, "0"));
    if let (Ok(code), Ok(signal)) = (code.parse(), signal.parse()) {
        return (Some(code), Some(signal).filter(|signal| *signal != 0));
    }
    fields.adjust("exit_code: is no number and is left out");
    (None, None)
}

/// MiB: a number, or one with a letter as Slurm writes it (`16G`).
fn memory(fields: &mut Fields<'_>) -> Option<u64> {
    let text = fields.line(MEMORY, WORD)?;
    let upper = text.to_ascii_uppercase();
    let upper = upper.trim_end_matches("IB").trim_end_matches('B');
    let (digits, factor) = match upper.as_bytes().last() {
        Some(b'T') => (upper.trim_end_matches('T'), 1 << 20),
        Some(b'G') => (upper.trim_end_matches('G'), 1 << 10),
        _ => (upper.trim_end_matches('M'), 1),
    };
    let read = digits.trim().parse::<u64>().ok().and_then(|number| number.checked_mul(factor));
    if read.is_none() {
        fields.adjust("memory: is no amount and is left out");
    }
    read
}
