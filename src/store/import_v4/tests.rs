//! An import that is stopped between two transactions.
use redb::{ReadableDatabase as _, ReadableTable as _};

use super::*;
use crate::store::audit::AuditFilter;
use crate::store::tests::private_folder;
use crate::store::walk::PageRequest;

fn contents(path: &Path) -> Vec<(String, Vec<u8>, Vec<u8>)> {
    use redb::TableHandle as _;
    let database = redb::ReadOnlyDatabase::open(path).unwrap();
    let read = database.begin_read().unwrap();
    let mut contents = Vec::new();
    for table in read.list_tables().unwrap().filter(|table| table.name() != "meta") {
        for row in read.open_table(crate::store::walk::definition(table.name())).unwrap().iter().unwrap() {
            let (key, value) = row.unwrap();
            contents.push((table.name().to_owned(), key.value().to_vec(), value.value().to_vec()));
        }
    }
    contents
}

#[test]
fn an_interrupted_import_goes_on_and_takes_no_row_twice() {
    let dir = private_folder();
    let old = dir.path().join("old.db");
    let rows = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500) SELECT i";
    let sql = format!(
        "CREATE TABLE audit_logs (id INTEGER PRIMARY KEY, user_id, action, timestamp);
         INSERT INTO audit_logs {rows}, 'ada', 'a' || i % 7, 1700000000 + i / 3 FROM n;
         CREATE TABLE notifications (id INTEGER PRIMARY KEY, created_by, message, timestamp);
         INSERT INTO notifications {rows}, 'ada', 'm' || i, 1700000000 + i FROM n;"
    );
    rusqlite::Connection::open(&old).unwrap().execute_batch(&sql).unwrap();
    let path = dir.path().join("whole");
    Import::open(&old, &path).unwrap().run(9).unwrap();
    let whole = contents(&path);
    for stop_after in [0, 2, 4] {
        let path = dir.path().join(format!("stopped-{stop_after}"));
        let import = Import::open(&old, &path).unwrap();
        {
            let planned = import.survey().unwrap();
            let store = Store::open(&path).unwrap();
            let mut entry = Some(audit_entry(&planned, 9));
            let mut batches = 0;
            let stopped = import.each_table(&Known::Open(store.clone()), true, |batch| {
                if batches == stop_after {
                    return Err(StoreError::Closed.into());
                }
                batches += 1;
                write(&store, batch, &mut entry)
            });
            assert!(stopped.is_err());
        }
        let report = import.run(10).unwrap();
        let taken = report.tables.iter().map(|table| table.already_there).sum::<u64>();
        assert_eq!((taken, report.new_rows()), ([0, 1000, 2000, 2500, 3500, 4500][stop_after], 5000 - taken));
        let store = Store::open(&path).unwrap();
        let own = AuditFilter::action("store.import");
        let own = store.audit_page(&own, &PageRequest::first(9)).unwrap().items;
        assert_eq!(own.len(), if stop_after == 0 { 1 } else { 2 }, "one for each run that imported something");
        drop(store);
        if stop_after == 0 {
            assert_eq!(contents(&path).len(), whole.len());
        }
        assert_eq!(import.run(11).unwrap().new_rows(), 0);
    }
}
