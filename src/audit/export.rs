//! Rows as CSV (RFC 4180) and as JSON lines.
use serde::Serialize;
use slurmdash_api::UnixSeconds;
use slurmdash_api::audit::{AuditResult, AuditRow, ExportFormat};

use crate::store::audit::{AuditFilter, AuditRecord};
use crate::store::{Store, StoreError};

/// The columns of the CSV, in order.
const COLUMNS: [&str; 15] = [
    "seq",
    "time",
    "user_id",
    "username",
    "action",
    "resource",
    "result",
    "error",
    "address",
    "agent",
    "request_id",
    "key_id",
    "method",
    "status",
    "prev",
];

/// A row as a line of JSON: as the API shows it, and what rows of the old system have besides.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    row: AuditRow,
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
}

/// The media type.
pub fn media_type(format: ExportFormat) -> &'static str {
    match format {
        ExportFormat::Csv => "text/csv; charset=utf-8; header=present",
        ExportFormat::Jsonl => "application/jsonl",
    }
}

/// Writes what comes before the first row.
fn write_heading(format: ExportFormat, out: &mut Vec<u8>) {
    if format == ExportFormat::Csv {
        out.extend_from_slice(COLUMNS.join(",").as_bytes());
        out.extend_from_slice(b"\r\n");
    }
}

/// Writes a row.
fn write_row(format: ExportFormat, record: &AuditRecord, out: &mut Vec<u8>) {
    match format {
        ExportFormat::Csv => csv(record, out),
        ExportFormat::Jsonl => {
            let line = Line { row: super::row(record), method: record.method.as_deref(), status: record.status };
            // Writing plain data to memory can't fail.
            let _ = serde_json::to_writer(&mut *out, &line);
            out.push(b'\n');
        }
    }
}

/// All rows that are wanted as a file, newest first, in pieces. Each is a short read of the store, which blocks, and may
/// be empty; nothing follows an error.
pub fn pieces(
    store: &Store,
    filter: AuditFilter,
    format: ExportFormat,
) -> impl Iterator<Item = Result<Vec<u8>, StoreError>> + Send + use<> {
    let mut heading = Vec::new();
    write_heading(format, &mut heading);
    let rows = store.audit_export(filter).map(move |batch| {
        let mut piece = Vec::new();
        batch?.iter().for_each(|record| write_row(format, record, &mut piece));
        Ok(piece)
    });
    std::iter::once(Ok(heading)).chain(rows)
}

fn csv(record: &AuditRecord, out: &mut Vec<u8>) {
    let text = |text: &Option<String>| text.as_deref().map(cell).unwrap_or_default();
    let result = match record.result() {
        AuditResult::Done => "done",
        AuditResult::Refused => "refused",
    };
    let cells = [
        record.seq.to_string(),
        time(record.at),
        text(&record.user_id),
        text(&record.username),
        cell(&record.action),
        text(&record.resource),
        result.into(),
        text(&record.error),
        text(&record.address),
        text(&record.agent),
        text(&record.request_id),
        text(&record.key_id),
        text(&record.method),
        record.status.map(|status| status.to_string()).unwrap_or_default(),
        text(&record.prev),
    ];
    out.extend_from_slice(cells.join(",").as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// RFC 3339 in UTC; the number where the calendar ends.
fn time(at: UnixSeconds) -> String {
    jiff::Timestamp::from_second(at).map_or_else(|_| at.to_string(), |time| time.to_string())
}

/// Text as a cell. What a spreadsheet would take for a formula gets an apostrophe in front: it is text that anybody may
/// have typed.
fn cell(text: &str) -> String {
    let guard = if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) { "'" } else { "" };
    if text.contains(['"', ',', '\r', '\n']) {
        format!("\"{guard}{}\"", text.replace('"', "\"\""))
    } else {
        format!("{guard}{text}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use slurmdash_api::audit::AuditResult;

    fn record(resource: &str) -> AuditRecord {
        let json = serde_json::json!({
            "seq": 7, "at": 1_800_000_000, "username": "ada", "action": "job.submit", "resource": resource,
            "error": "no", "status": 403, "prev": "00ff",
        });
        serde_json::from_value(json).unwrap()
    }

    fn written(format: ExportFormat, record: &AuditRecord) -> String {
        let mut out = Vec::new();
        write_row(format, record, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_row_has_a_cell_for_each_column() {
        let mut heading = Vec::new();
        write_heading(ExportFormat::Csv, &mut heading);
        let heading = String::from_utf8(heading).unwrap();
        assert!(heading.starts_with("seq,time,user_id,") && heading.ends_with(",prev\r\n"), "{heading}");
        let row = written(ExportFormat::Csv, &record("1"));
        assert_eq!(row, "7,2027-01-15T08:00:00Z,,ada,job.submit,1,refused,no,,,,,,403,00ff\r\n");
        assert_eq!(row.matches(',').count(), heading.matches(',').count());
    }

    #[test]
    fn nothing_that_somebody_typed_becomes_a_formula_or_another_cell() {
        for (typed, expected) in [
            ("=1+1", "'=1+1"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\t=1"),
            ("\r=1", "\"'\r=1\""),
            ("=a\",\"b", "\"'=a\"\",\"\"b\""),
            ("a,b", "\"a,b\""),
            ("a\nb", "\"a\nb\""),
            ("say \"x\"", "\"say \"\"x\"\"\""),
            ("이름", "이름"),
            ("", ""),
        ] {
            let row = written(ExportFormat::Csv, &record(typed));
            assert_eq!(row, format!("7,2027-01-15T08:00:00Z,,ada,job.submit,{expected},refused,no,,,,,,403,00ff\r\n"));
        }
    }

    #[test]
    fn a_line_of_json_has_everything() {
        let line = written(ExportFormat::Jsonl, &record("a\nb"));
        assert!(line.ends_with("}\n") && line.matches('\n').count() == 1, "{line}");
        let row: AuditRow = serde_json::from_str(&line).unwrap();
        assert_eq!((row.result, row.resource.as_deref(), row.seq), (AuditResult::Refused, Some("a\nb"), 7));
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!((&value["status"], &value["prev"]), (&403.into(), &"00ff".into()));
    }
}
