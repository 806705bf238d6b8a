//! `slurmdash audit`: proving that the audit log is as it was written, and handing it out.
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Subcommand;
use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use slurmdash_api::UnixSeconds;
use slurmdash_api::audit::{AuditQuery, AuditResult, ExportFormat};

use super::backup::time as shown;
use super::{ConfigFile, StoreFile, USAGE, ask, print_error, print_line};
use crate::audit;
use crate::clock::Clock;
use crate::config::Config;
use crate::control::{Answer, AskError, Request, ask_for_file};
use crate::store::audit::chain::Noted;
use crate::store::audit::verify::{ChainReport, verify_file};
use crate::store::audit::{AuditEntry, By};
use crate::store::{Store, StoreError, backup};

/// Prove that nobody has changed the audit log, and hand it out
#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Look whether every row is as it was written, whether a server runs or not; exit code 1 when one is not
    Verify {
        /// A backup, by its name or path, in the place of the store
        file: Option<PathBuf>,
        /// That this row still has this hash, as an earlier `verify` printed them
        #[arg(long, value_name = "SEQ:HASH")]
        head: Option<Noted>,
        #[command(flatten)]
        store: StoreFile,
    },
    /// Write rows to standard output, newest first, whether a server runs or not
    Export(Export),
}

#[derive(clap::Args)]
struct Export {
    /// What to write: comma-separated values, or a JSON object a line
    #[arg(long, default_value = "csv", value_parser = PossibleValuesParser::new(["csv", "jsonl"]).map(|word| format(&word)))]
    format: ExportFormat,
    /// From this time on: a date, a time as in RFC 3339, or seconds since 1970
    #[arg(long, value_name = "TIME", value_parser = time, allow_hyphen_values = true)]
    from: Option<UnixSeconds>,
    /// Before this time
    #[arg(long, value_name = "TIME", value_parser = time, allow_hyphen_values = true)]
    to: Option<UnixSeconds>,
    /// Of this account, by its name or id
    #[arg(long)]
    user: Option<String>,
    /// Of this action, such as job.submit; or of all of a kind, such as job.
    #[arg(long)]
    action: Option<String>,
    /// From this address
    #[arg(long, value_name = "ADDR")]
    address: Option<String>,
    /// Only what was done, or only what was refused
    #[arg(long, value_parser = PossibleValuesParser::new(["done", "refused"]).map(|word| result(&word)))]
    result: Option<AuditResult>,
    #[command(flatten)]
    file: ConfigFile,
    /// Folder of the store [default: /var/lib/slurmdash]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

fn format(word: &str) -> ExportFormat {
    if word == "jsonl" { ExportFormat::Jsonl } else { ExportFormat::Csv }
}

fn result(word: &str) -> AuditResult {
    if word == "refused" { AuditResult::Refused } else { AuditResult::Done }
}

/// A date (its beginning in UTC), a time as in RFC 3339, or seconds since 1970.
fn time(text: &str) -> Result<UnixSeconds, String> {
    if let Ok(seconds) = text.parse() {
        return Ok(seconds);
    }
    if let Ok(time) = text.parse::<jiff::Timestamp>() {
        return Ok(time.as_second());
    }
    let date = text.parse::<jiff::civil::Date>().ok().filter(|date| date.to_string() == text);
    let begins = date.and_then(|date| date.to_zoned(jiff::tz::TimeZone::UTC).ok());
    let begins = begins.map(|begins| begins.timestamp().as_second());
    begins.ok_or_else(|| "is no time: write 2026-11-23, 2026-11-23T22:03:12Z or seconds since 1970".into())
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> ExitCode {
    match &arguments.command {
        Command::Verify { file, head, store } => with_config(store, |config| {
            let report = verify(config, file.as_deref(), head.as_ref())?;
            if store.json {
                print_line(&serde_json::to_string_pretty(&report).unwrap_or_default());
            } else {
                show(&report);
            }
            if report.intact {
                return Ok(());
            }
            Err(format!(
                "the audit log is not as it was written ({} faults): the file was changed behind slurmdash's back, by \
                 somebody or by its disk. Keep a copy of it as it is, find out who could write it, and look with \
                 `slurmdash audit verify BACKUP` which of the backups (`slurmdash backup list`) is still whole",
                report.fault_count
            ))
        }),
        Command::Export(export) => {
            let (file, data_dir) = (&export.file, &export.data_dir);
            let file = ConfigFile { config: file.config.clone() };
            let store = StoreFile { file, data_dir: data_dir.clone(), json: false };
            with_config(&store, |config| write(config, export))
        }
    }
}

fn with_config(store: &StoreFile, work: impl FnOnce(&Config) -> Result<(), String>) -> ExitCode {
    let config = match store.config() {
        Ok(config) => config,
        Err(message) => {
            print_error(&message);
            return ExitCode::from(USAGE);
        }
    };
    match work(&config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            print_error(&message);
            ExitCode::FAILURE
        }
    }
}

fn verify(config: &Config, file: Option<&Path>, noted: Option<&Noted>) -> Result<ChainReport, String> {
    let verified = match file {
        Some(file) => backup::verify_audit(&backup::find(&config.backups_dir(), file), noted),
        None => verify_file(&config.store_path(), noted),
    };
    match verified {
        Err(StoreError::InUse { .. }) if file.is_none() => match ask(config, &Request::AuditVerify(noted.cloned()))? {
            Answer::AuditVerified(report) => Ok(report),
            other => Err(format!("the server answered something else: {other:?}")),
        },
        verified => verified.map_err(|error| error.to_string()),
    }
}

fn show(report: &ChainReport) {
    let range = match (report.first_seq, report.last_seq) {
        (Some(first), Some(last)) => format!(", {first} to {last}"),
        _ => String::new(),
    };
    let rows = report.rows;
    if !report.intact {
        print_line(&format!("NOT INTACT: {rows} rows{range}"));
        for fault in &report.faults {
            let at = fault.at.map(|at| format!(" ({} UTC)", shown(at))).unwrap_or_default();
            print_line(&format!("row {}{at}: {}", fault.seq, fault.what));
        }
        let others = report.fault_count.saturating_sub(report.faults.len() as u64);
        if others > 0 {
            print_line(&format!("and {others} more"));
        }
        return;
    }
    print_line(&format!("the audit log is intact: {rows} rows{range}"));
    if let (Some(seq), Some(hash)) = (report.last_seq, &report.head) {
        let head = Noted { seq, hash: hash.clone() };
        print_line(&format!("head: {head}"));
        print_line(
            "Note the head where nobody who can write the store can write. `slurmdash audit verify --head SEQ:HASH`",
        );
        print_line("proves later that no row up to it was changed, even by somebody who makes the whole chain anew.");
    }
}

fn write(config: &Config, export: &Export) -> Result<(), String> {
    let query = AuditQuery {
        user: export.user.clone(),
        action: export.action.clone(),
        address: export.address.clone(),
        result: export.result,
        from: export.from,
        to: export.to,
        ..AuditQuery::default()
    };
    let path = config.store_path();
    if !path.try_exists().map_err(|error| error.to_string())? {
        return Err(format!("there is no store {}", path.display()));
    }
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    match Store::open(&path) {
        Ok(store) => write_from(&store, &query, export.format, &mut out),
        Err(StoreError::InUse { .. }) => {
            let request = Request::AuditExport { query: Box::new(query), format: export.format };
            match ask_for_file(&config.control_path(), &request, &mut out) {
                Err(AskError::Output(error)) => unless_left(&error),
                Err(error) => Err(format!("the store {} is in use, and {error}", path.display())),
                Ok(()) => Ok(()),
            }
        }
        Err(error) => Err(error.to_string()),
    }
}

fn write_from(
    store: &Store,
    query: &AuditQuery,
    format: ExportFormat,
    out: &mut impl std::io::Write,
) -> Result<(), String> {
    let filter = audit::filter(store, query).map_err(|error| error.to_string())?;
    for piece in audit::export::pieces(store, filter, format) {
        let piece = piece.map_err(|error| error.to_string())?;
        if let Err(error) = out.write_all(&piece) {
            return unless_left(&error);
        }
    }
    if let Err(error) = out.flush() {
        return unless_left(&error);
    }
    let entry = AuditEntry::done(By::system(Clock::system().now()), "audit.export", audit::said(query));
    store.write_blocking(move |tx| tx.audited(&entry, ())).map_err(|error| error.to_string())
}

/// Somebody who has stopped reading is no error.
fn unless_left(error: &std::io::Error) -> Result<(), String> {
    if error.kind() == std::io::ErrorKind::BrokenPipe { Ok(()) } else { Err(format!("can't write it: {error}")) }
}

#[cfg(test)]
mod tests {
    #[test]
    fn times_are_dates_or_times_or_seconds() {
        for (text, expected) in [
            ("1800000000", Some(1_800_000_000)),
            ("-5", Some(-5)),
            ("2027-01-15", Some(1_799_971_200)),
            ("2027-01-15T08:00:00Z", Some(1_800_000_000)),
            ("2027-01-15T17:00:00+09:00", Some(1_800_000_000)),
            ("2027-02-30", None),
            ("yesterday", None),
            ("2027-01-15T08:00:00", None),
            ("", None),
        ] {
            assert_eq!(super::time(text).ok(), expected, "{text}");
        }
    }
}
