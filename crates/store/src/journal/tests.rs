//! What a journal must do whatever happens to it.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use pampero_model::Timestamp;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use super::*;

fn at(second: u64) -> Timestamp {
    Timestamp::from_secs(i64::try_from(second).unwrap())
}

fn about() -> NewSession {
    NewSession {
        environment: "local".to_owned(),
        mode: "paper".to_owned(),
        strategies: "maker".to_owned(),
        config: "[markets]".to_owned(),
        started_at: at(1),
        ..NewSession::default()
    }
}

fn shown() -> Evidence {
    Evidence {
        kind: "paper".to_owned(),
        strategy: "maker".to_owned(),
        version: "1".to_owned(),
        parameters: "hash".to_owned(),
        environment: "local".to_owned(),
        at: at(4),
        details: "fills=20".to_owned(),
    }
}

struct Home {
    folder: tempfile::TempDir,
}

impl Home {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> PathBuf {
        self.file("journal.db")
    }

    fn open(&self) -> Journal {
        Journal::open(&self.path()).unwrap()
    }

    /// A journal with a session of so many commits of two records, still open.
    fn with_commits(&self, commits: u64) -> (Journal, SessionId) {
        let mut journal = self.open();
        let session = journal.begin_session(&about()).unwrap();
        for commit in 0..commits {
            for part in 0..2 {
                journal.append(part, at(commit), &content(commit * 2 + u64::from(part))).unwrap();
            }
            journal.commit().unwrap();
        }
        (journal, session)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join("state").join(name)
    }
}

fn content(seq: u64) -> Vec<u8> {
    (0..seq * 37 % 300).map(|byte| u8::try_from((byte + seq) % 256).unwrap()).collect()
}

/// The contents if they can be read to the end.
fn read(journal: &Journal, session: SessionId) -> Result<Vec<Vec<u8>>, JournalError> {
    journal.records(session, 0)?.map(|record| record.map(|record| record.payload)).collect()
}

/// Opens a journal that something happened to; all that was written first, or an error, is right.
fn read_again(path: &Path, session: SessionId) -> Result<Vec<Vec<u8>>, JournalError> {
    let journal = Journal::open(path)?;
    if journal.sessions()?.is_empty() {
        return Ok(Vec::new());
    }
    read(&journal, session)
}

#[test]
fn what_was_committed_is_there_after_a_restart_and_the_rest_is_not() {
    let home = Home::new();
    let (mut journal, first) = home.with_commits(3);
    journal.append(9, at(9), b"never committed").unwrap();
    drop(journal);

    let mut journal = home.open();
    assert_eq!(read(&journal, first).unwrap(), (0..6).map(content).collect::<Vec<_>>());
    assert!(matches!(journal.append(1, at(1), b""), Err(JournalError::NoSession)));
    let second = journal.begin_session(&about()).unwrap();
    journal.append(1, at(20), b"other").unwrap();
    journal.end_session(at(30), "asked to").unwrap();
    let sessions = journal.sessions().unwrap();
    assert_eq!(
        sessions.iter().map(|session| (session.id, session.records)).collect::<Vec<_>>(),
        [(first, 6), (second, 1)]
    );
    assert_eq!(sessions[0].ended_at, None);
    assert_eq!((sessions[1].ended_at, sessions[1].end_reason.as_deref()), (Some(at(30)), Some("asked to")));
    assert_eq!(sessions[1].about, about());
    let reader = Journal::open_read_only(&home.path()).unwrap();
    let record = reader.records(first, 4).unwrap().next().unwrap().unwrap();
    assert_eq!(record, Record { seq: 4, time: at(2), kind: 0, payload: content(4) });
    reader.verify().unwrap();
}

#[test]
fn saved_states_stand_where_they_were_saved() {
    let home = Home::new();
    let (mut journal, session) = home.with_commits(2);
    journal.save_state(1, b"four").unwrap();
    journal.append(1, at(5), b"more").unwrap();
    journal.commit().unwrap();
    journal.save_state(2, b"five").unwrap();
    journal.commit().unwrap();
    drop(journal);
    let journal = home.open();
    assert_eq!(journal.states(session).unwrap(), [(4, 1), (5, 2)]);
    let state = |seq, version, payload: &[u8]| Some(SavedState { seq, version, payload: payload.to_vec() });
    assert_eq!(journal.last_state(session, u64::MAX).unwrap(), state(5, 2, b"five"));
    assert_eq!(journal.last_state(session, 4).unwrap(), state(4, 1, b"four"));
    assert_eq!(journal.first_state(session, 0).unwrap(), state(4, 1, b"four"));
    assert_eq!(journal.last_state(session, 3).unwrap(), None);
}

#[test]
fn evidence_and_facts_are_kept() {
    let home = Home::new();
    let mut journal = home.open();
    journal.add_evidence(&shown()).unwrap();
    journal.set_fact("account", "7").unwrap();
    journal.set_fact("account", "8").unwrap();
    drop(journal);
    let journal = home.open();
    assert_eq!(journal.evidence("maker").unwrap(), [shown()]);
    assert_eq!(journal.evidence("other").unwrap(), []);
    assert_eq!(journal.fact("account").unwrap().as_deref(), Some("8"));
    assert_eq!(journal.fact("other").unwrap(), None);
}

#[test]
fn a_full_disk_poisons_and_the_reserve_takes_the_last_words() {
    let home = Home::new();
    let (mut journal, session) = home.with_commits(2);
    let reserve = home.file("journal.reserve");
    assert_eq!(fs::metadata(&reserve).unwrap().len(), 1 << 20);
    journal.fill_disk();
    journal.append(1, at(3), &vec![7; 100_000]).unwrap();
    let error = journal.commit().unwrap_err();
    assert!(matches!(error, JournalError::Sqlite { .. }), "{error}");
    assert!(journal.poisoned().is_some());
    assert!(matches!(journal.append(1, at(3), b"more"), Err(JournalError::Poisoned(_))));
    assert!(matches!(journal.commit(), Err(JournalError::Poisoned(_))));

    assert_eq!(journal.append_last(9, at(4), b"halted").unwrap(), 4);
    assert!(!reserve.exists());
    assert_eq!(journal.append_last(9, at(5), b"all cancelled").unwrap(), 5);
    assert!(matches!(journal.append(1, at(3), b"more"), Err(JournalError::Poisoned(_))));
    drop(journal);
    let journal = home.open();
    let mut expected: Vec<_> = (0..4).map(content).collect();
    expected.extend([b"halted".to_vec(), b"all cancelled".to_vec()]);
    assert_eq!(read(&journal, session).unwrap(), expected);
    assert!(reserve.exists());
}

#[test]
fn the_last_words_need_no_failure() {
    let home = Home::new();
    let (mut journal, session) = home.with_commits(1);
    journal.append(1, at(2), b"pending").unwrap();
    journal.append_last(9, at(2), b"halted").unwrap();
    journal.append(1, at(3), b"goes on").unwrap();
    journal.commit().unwrap();
    assert_eq!(read(&journal, session).unwrap().len(), 5);
}

/// Copies of the database and its log as they stand while the journal is open.
fn files_of(home: &Home) -> (Vec<u8>, Vec<u8>) {
    (fs::read(home.path()).unwrap(), fs::read(home.file("journal.db-wal")).unwrap())
}

fn put(home: &Home, database: &[u8], log: &[u8]) {
    fs::write(home.path(), database).unwrap();
    fs::write(home.file("journal.db-wal"), log).unwrap();
    let _ = fs::remove_file(home.file("journal.db-shm"));
}

#[test]
fn a_log_cut_anywhere_gives_what_was_committed_before() {
    const COMMITS: u64 = 24;
    let home = Home::new();
    let mut journal = home.open();
    let mut ends = vec![files_of(&home).1.len()];
    let session = journal.begin_session(&about()).unwrap();
    ends.push(files_of(&home).1.len());
    for commit in 0..COMMITS {
        journal.append(1, at(commit), &content(commit)).unwrap();
        journal.commit().unwrap();
        ends.push(files_of(&home).1.len());
    }
    let (database, log) = files_of(&home);
    drop(journal);
    let mut cuts: Vec<usize> = (0..log.len()).step_by(2_311).collect();
    cuts.extend(ends.iter().flat_map(|end| [end.saturating_sub(1), *end, end + 1]));
    let written: Vec<_> = (0..COMMITS).map(content).collect();
    for cut in cuts.into_iter().filter(|cut| *cut >= ends[0] && *cut <= log.len()) {
        put(&home, &database, &log[..cut]);
        let found = read_again(&home.path(), session).unwrap();
        let whole = ends.iter().filter(|end| **end <= cut).count().saturating_sub(2);
        assert_eq!(found, written[..whole], "cut at {cut}");
    }
}

#[test]
fn a_log_with_a_flipped_bit_gives_what_came_before_or_is_refused() {
    const COMMITS: u64 = 24;
    let home = Home::new();
    let (journal, session) = home.with_commits(COMMITS);
    let (database, log) = files_of(&home);
    drop(journal);
    let written: Vec<_> = (0..COMMITS * 2).map(content).collect();
    let mut random = Pcg64Mcg::seed_from_u64(7);
    let (mut refused, mut recovered) = (0, 0);
    for round in 0..120 {
        // Every third one near the end, where a crash leaves its marks.
        let from = if round % 3 == 0 { log.len() - 9_000 } else { 0 };
        let place = random.random_range(from..log.len());
        let mut damaged = log.clone();
        damaged[place] ^= 1 << random.random_range(0..8);
        put(&home, &database, &damaged);
        match read_again(&home.path(), session) {
            Err(_) => refused += 1,
            Ok(found) => {
                assert!(
                    found.len() + 2 >= written.len(),
                    "flip at {place} of {}: {} left",
                    log.len(),
                    found.len()
                );
                assert_eq!(found, written[..found.len()]);
                recovered += 1;
            }
        }
    }
    assert!(refused > 50 && recovered > 5, "{refused} refused, {recovered} recovered");
}

#[test]
fn a_log_with_a_flip_anywhere_in_its_header_is_refused() {
    let home = Home::new();
    let (journal, session) = home.with_commits(6);
    let (database, log) = files_of(&home);
    drop(journal);
    for place in 0..32 {
        let mut damaged = log.clone();
        damaged[place] ^= 1;
        put(&home, &database, &damaged);
        let found = read_again(&home.path(), session);
        assert!(found.is_err(), "flip at {place}: {} left", found.unwrap().len());
    }
}

#[test]
fn a_database_with_flipped_bits_gives_what_was_written_or_is_refused() {
    let home = Home::new();
    let (mut journal, session) = home.with_commits(40);
    journal.save_state(1, &[1; 3_000]).unwrap();
    journal.end_session(at(99), "done").unwrap();
    // Closing moves the log into the database.
    drop(journal);
    let database = fs::read(home.path()).unwrap();
    let written: Vec<_> = (0..80).map(content).collect();
    let mut random = Pcg64Mcg::seed_from_u64(11);
    let (mut refused, mut harmless) = (0, 0);
    for _ in 0..150 {
        let place = random.random_range(0..database.len());
        let mut damaged = database.clone();
        damaged[place] ^= 1 << random.random_range(0..8);
        put(&home, &damaged, &[]);
        match read_again(&home.path(), session) {
            Err(_) => refused += 1,
            // A flip in a free place.
            Ok(found) => {
                assert_eq!(found, written, "flip at {place}");
                harmless += 1;
            }
        }
    }
    assert!(refused > 20 && harmless > 2, "{refused} refused, {harmless} harmless");
}

#[test]
fn records_changed_dropped_or_moved_are_refused_with_their_number() {
    let cases = [
        ("UPDATE records SET payload = x'00' WHERE seq = 5", 5),
        ("UPDATE records SET time = time + 1 WHERE seq = 5", 5),
        ("UPDATE records SET kind = kind + 1 WHERE seq = 6", 6),
        ("DELETE FROM records WHERE seq = 7", 7),
        ("DELETE FROM records WHERE seq >= 8", 8),
        ("DELETE FROM records WHERE seq = 0", 0),
        ("UPDATE heads SET last_check = x'0000000000000000'", 10),
        ("UPDATE heads SET next_seq = 0", 0),
        ("UPDATE heads SET next_seq = 8", 8),
        ("UPDATE records SET id = id + 100 WHERE seq = 9", 9),
    ];
    for (sql, expected) in cases {
        let home = Home::new();
        let (journal, session) = home.with_commits(5);
        journal.connection.execute_batch(sql).unwrap();
        let error = read(&journal, session).unwrap_err();
        assert!(matches!(error, JournalError::Damaged { seq, .. } if seq == expected), "{sql}: {error}");
        drop(journal);
        // Without a saved state all records are what a restart depends on.
        assert!(matches!(Journal::open(&home.path()), Err(JournalError::Damaged { .. })), "{sql}");
    }
}

#[test]
fn what_has_no_chain_is_sealed() {
    let cases = [
        ("UPDATE sessions SET config = 'other'", "sessions"),
        ("UPDATE sessions SET end_reason = 'another' WHERE id = 1", "sessions"),
        ("UPDATE sessions SET ended_at = NULL WHERE id = 1", "sessions"),
        ("DELETE FROM sessions WHERE id = 2", "sessions"),
        ("DELETE FROM checkpoints", "checkpoints"),
        ("UPDATE evidence SET details = 'fills=9000'", "evidence"),
        ("DELETE FROM evidence", "evidence"),
        ("UPDATE facts SET value = '8'", "facts"),
        ("DELETE FROM facts", "facts"),
        ("UPDATE seals SET seal = x'0000000000000000' WHERE name = 'facts'", "facts"),
        ("DELETE FROM seals WHERE name = 'evidence'", "evidence"),
    ];
    for (sql, table) in cases {
        let home = Home::new();
        let (mut journal, _) = home.with_commits(1);
        journal.end_session(at(7), "done").unwrap();
        journal.add_evidence(&shown()).unwrap();
        journal.set_fact("account", "7").unwrap();
        journal.begin_session(&about()).unwrap();
        journal.save_state(1, b"state").unwrap();
        journal.commit().unwrap();
        journal.connection.execute_batch(sql).unwrap();
        drop(journal);
        for error in [Journal::open(&home.path()), Journal::open_read_only(&home.path())] {
            let error = error.unwrap_err().to_string();
            assert!(error.contains(&format!("its table `{table}` is not what")), "{sql}: {error}");
        }
    }
    let home = Home::new();
    let (journal, session) = home.with_commits(1);
    journal.connection.execute_batch("DELETE FROM heads").unwrap();
    drop(journal);
    let error = Journal::open(&home.path()).unwrap_err();
    assert!(matches!(error, JournalError::UnknownSession(found) if found == session), "{error}");
}

#[test]
fn a_log_shorter_than_its_index_says_is_refused() {
    let home = Home::new();
    let (journal, session) = home.with_commits(6);
    let (database, log) = files_of(&home);
    let index = fs::read(home.file("journal.db-shm")).unwrap();
    drop(journal);
    let put = |log: &[u8], index: &[u8]| {
        put(&home, &database, log);
        fs::write(home.file("journal.db-shm"), index).unwrap();
    };
    for cut in [0, 1, 31, 32, 33, log.len() / 2, log.len() - 1] {
        put(&log[..cut], &index);
        for error in [Journal::open(&home.path()), Journal::open_read_only(&home.path())] {
            assert!(matches!(error, Err(JournalError::DamagedFile { .. })), "cut at {cut}: {error:?}");
        }
    }
    put(&log, &index);
    assert_eq!(read_again(&home.path(), session).unwrap().len(), 12);
    // One that a loss of power damaged says nothing.
    let mut damaged = index.clone();
    damaged[16] ^= 1;
    damaged[48 + 16] ^= 1;
    put(&log[..log.len() - 1], &damaged);
    assert_eq!(read_again(&home.path(), session).unwrap().len(), 10);
}

/// Says to the test below, run once more in a process of its own, which index to look at.
const LOOK_AT: &str = "PAMPERO_TEST_LOOKS_AT_INDEX";

/// SQLite would empty the index under a writer whose locks are gone, and the writer would die of a SIGBUS.
#[test]
fn other_processes_see_the_index_locked_while_a_journal_is_open() {
    use rustix::process::{Flock, FlockType, fcntl_getlk};
    if let Some(path) = std::env::var_os(LOOK_AT) {
        let index = fs::File::open(path).unwrap();
        let holder = fcntl_getlk(&index, &Flock::from(FlockType::WriteLock)).unwrap();
        assert!(holder.is_some(), "nobody holds the index");
        return;
    }
    let home = Home::new();
    let looks = |when: &str| {
        let name = "journal::tests::other_processes_see_the_index_locked_while_a_journal_is_open";
        let mut other = std::process::Command::new(std::env::current_exe().unwrap());
        let other = other.args(["--exact", name]).env(LOOK_AT, home.file("journal.db-shm"));
        assert!(other.output().unwrap().status.success(), "{when}, nobody holds the index");
    };
    let (mut journal, session) = home.with_commits(2);
    looks("opened");
    // A reader in the same process, which looks for damage, as it comes and when it goes.
    drop(Journal::open_read_only(&home.path()).unwrap());
    looks("after a reader");
    journal.archive(session, 2).unwrap();
    looks("archived");
}

#[test]
fn an_emptied_file_is_not_a_new_journal() {
    let home = Home::new();
    drop(home.with_commits(1));
    for left in [b"S".as_slice(), b""] {
        fs::write(home.path(), left).unwrap();
        let error = Journal::open(&home.path()).unwrap_err().to_string();
        assert!(error.contains("it is empty") && error.contains("journal.reserve"), "{error}");
    }
    fs::remove_file(home.file("journal.reserve")).unwrap();
    home.open();
}

#[test]
fn a_changed_state_is_refused() {
    let home = Home::new();
    let (mut journal, session) = home.with_commits(2);
    journal.save_state(1, b"state").unwrap();
    journal.commit().unwrap();
    journal.connection.execute_batch("UPDATE checkpoints SET payload = x'01'").unwrap();
    assert!(matches!(journal.last_state(session, 9), Err(JournalError::Damaged { seq: 4, .. })));
}

#[test]
fn archives_are_read_like_the_table() {
    let home = Home::new();
    let (mut journal, session) = home.with_commits(50);
    journal.save_state(1, b"a hundred").unwrap();
    journal.commit().unwrap();
    let before: Vec<Record> = journal.records(session, 0).unwrap().map(Result::unwrap).collect();
    let moved = journal.archive(session, 60).unwrap();
    assert_eq!((moved.records, moved.files.len()), (60, 1));
    assert_eq!(journal.archive(session, 60).unwrap(), Archived::default());
    journal.archive(session, 90).unwrap();
    journal.append(1, at(77), b"goes on").unwrap();
    journal.commit().unwrap();
    for from in [0, 1, 59, 60, 61, 89, 90, 99] {
        let found: Vec<Record> = journal.records(session, from).unwrap().map(Result::unwrap).collect();
        let skip = usize::try_from(from).unwrap();
        assert_eq!(found[..found.len() - 1], before[skip..], "from {from}");
        assert_eq!(found.last().unwrap().payload, b"goes on");
    }
    journal.verify().unwrap();
    let file = &moved.files[0];
    assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
    let mut bytes = fs::read(file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(file, bytes).unwrap();
    assert!(matches!(journal.verify(), Err(JournalError::DamagedFile { .. })));
    assert!(journal.records(session, 3).is_err());
    // What a restart depends on is not in it.
    drop(journal);
    home.open();
    fs::remove_file(file).unwrap();
    assert!(matches!(home.open().verify(), Err(JournalError::Io { .. })));
}

#[test]
fn archiving_gives_room_back() {
    let home = Home::new();
    let mut journal = home.open();
    let session = journal.begin_session(&about()).unwrap();
    for index in 0..2_000 {
        journal.append(1, at(index), &[u8::try_from(index % 251).unwrap(); 500]).unwrap();
    }
    journal.commit().unwrap();
    let size = || fs::metadata(home.path()).unwrap().len();
    journal.archive(session, 0).unwrap();
    let before = size();
    journal.archive(session, 2_000).unwrap();
    assert!(size() < before / 8, "{} of {before}", size());
    assert_eq!(read(&journal, session).unwrap().len(), 2_000);
}

#[test]
fn files_are_for_their_owner_alone() {
    let home = Home::new();
    let (journal, _) = home.with_commits(1);
    for name in ["journal.db", "journal.db-wal", "journal.db-shm", "journal.reserve"] {
        let mode = fs::metadata(home.file(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{name}");
    }
    drop(journal);

    let deep = home.file("other/local");
    Journal::open(&deep.join("journal.db")).unwrap();
    assert_eq!(fs::metadata(&deep).unwrap().permissions().mode() & 0o777, 0o700);
    fs::set_permissions(&deep, Permissions::from_mode(0o755)).unwrap();
    let error = Journal::open(&deep.join("journal.db")).unwrap_err();
    assert!(error.to_string().contains("chmod 700"), "{error}");

    let link = home.file("link.db");
    symlink(home.path(), &link).unwrap();
    assert!(matches!(Journal::open(&link), Err(JournalError::Unsafe { .. })));
    let folder = home.file("folder");
    symlink(home.folder.path().join("state"), &folder).unwrap();
    assert!(matches!(Journal::open(&folder.join("journal.db")), Err(JournalError::Unsafe { .. })));
}

fn fixture(version: i64) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/journal-v{version}.db"))
}

/// Run by hand once for each version: `cargo test -p pampero-store --features journal -- --ignored write_fixture`.
#[test]
#[ignore = "writes the fixture of the present version"]
fn write_fixture() {
    let home = Home::new();
    let (mut journal, _) = home.with_commits(3);
    journal.save_state(1, b"state").unwrap();
    journal.set_fact("fact", "value").unwrap();
    journal.end_session(at(9), "done").unwrap();
    drop(journal);
    fs::copy(home.path(), fixture(schema::newest())).unwrap();
}

#[test]
fn a_journal_of_every_version_is_read() {
    for version in 1..=schema::newest() {
        let home = Home::new();
        drop(home.open());
        fs::copy(fixture(version), home.path()).unwrap();
        let as_it_is = Journal::open_read_only(&home.path()).unwrap();
        for journal in [as_it_is, home.open()] {
            let session = SessionId(1);
            assert_eq!(read(&journal, session).unwrap(), (0..6).map(content).collect::<Vec<_>>());
            assert_eq!(journal.last_state(session, 99).unwrap().unwrap().payload, b"state");
            assert_eq!(journal.find_session(session).unwrap().end_reason.as_deref(), Some("done"));
            assert_eq!(journal.fact("fact").unwrap().as_deref(), Some("value"));
            journal.verify().unwrap();
        }
        assert_eq!(schema::version(&home.open().connection).unwrap(), schema::newest());
    }
}

#[test]
fn a_later_version_and_a_foreign_file_are_refused() {
    let home = Home::new();
    let journal = home.open();
    journal.connection.execute_batch("PRAGMA user_version = 99").unwrap();
    drop(journal);
    let error = Journal::open(&home.path()).unwrap_err();
    assert!(error.to_string().contains("version 99"), "{error}");
    let error = Journal::open_read_only(&home.path()).unwrap_err();
    assert!(matches!(error, JournalError::Version { found: 99, .. }), "{error}");
    let other = Home::new();
    drop(other.open());
    fs::write(other.path(), "not a database, but long enough to look at".repeat(50)).unwrap();
    assert!(matches!(Journal::open(&other.path()), Err(JournalError::Sqlite { .. })));
}
