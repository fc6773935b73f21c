//! The state directory of an environment: its files, their modes, its lock.
//!
//! ```text
//! <root>/                 given, or $PAMPERO_STATE, or $XDG_STATE_HOME/pampero, or ~/.local/state/pampero
//!   production/           0700, one for each environment, never shared
//!     lock                held by the process that trades, with its id
//!     halt.json           the kill switch, see `guard`
//!     halt-history.jsonl  who halted and resumed, and why
//!     heartbeat.json      the sign of life that the watchdog looks at
//!     journal.sqlite      what happened
//!     ambiguous.jsonl     hand-made requests whose end is not known
//!     account.json        the account that was confirmed; account-VENUE.json at a further venue
//!     webhook-events.jsonl  the events that were received and shown
//!     budget-HOST         the request budget that processes share
//! ```

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use pampero_model::Timestamp;
use thiserror::Error;

/// Why a state directory or a file in it cannot be used.
#[derive(Debug, Error)]
pub enum StateError {
    /// Nothing says where the state goes.
    #[error(
        "no place for the state: neither PAMPERO_STATE nor XDG_STATE_HOME nor HOME is set; give --state DIR"
    )]
    NoRoot,
    /// The name of the environment cannot be a folder.
    #[error("`{0}` cannot name an environment: small letters, digits, `-` and `_` only")]
    Environment(String),
    /// Something in the place of a folder or file is a symbolic link.
    #[error("`{0}` is a symbolic link, through which somebody could redirect the state: give the real path")]
    Symlink(PathBuf),
    /// Something else is in its place.
    #[error("`{path}` is not a {expected}: move it away")]
    Kind {
        /// Where.
        path: PathBuf,
        /// `folder` or `file`.
        expected: &'static str,
    },
    /// It belongs to somebody else.
    #[error(
        "`{path}` belongs to user {owner}, not to the one who runs this ({user}): give another --state DIR"
    )]
    Foreign {
        /// Where.
        path: PathBuf,
        /// Number of its owner.
        owner: u32,
        /// Number of who runs this.
        user: u32,
    },
    /// Others have access to it.
    #[error("`{path}` has mode {mode:04o} and others may use it: run `chmod {wanted:03o} {path}`")]
    Exposed {
        /// Where.
        path: PathBuf,
        /// Its mode.
        mode: u32,
        /// The mode it should have.
        wanted: u32,
    },
    /// Another process trades here.
    #[error("`{path}` is held by process {}: one process trades in an environment, so stop that one first", Pid(.holder))]
    Locked {
        /// The lock file.
        path: PathBuf,
        /// Who holds it, where it says.
        holder: Option<u32>,
    },
    /// The operating system refuses.
    #[error("`{path}` cannot be {action}: {source}")]
    Io {
        /// Where.
        path: PathBuf,
        /// What was tried: `created`, `read`, `written`, `locked`.
        action: &'static str,
        /// Why not.
        source: io::Error,
    },
}

/// Shows a process id, or that it is not known.
struct Pid<'a>(&'a Option<u32>);

impl std::fmt::Display for Pid<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(pid) => write!(f, "{pid}"),
            None => f.write_str("(unknown)"),
        }
    }
}

pub(crate) fn io_error(path: &Path, action: &'static str) -> impl FnOnce(io::Error) -> StateError {
    let path = path.to_owned();
    move |source| StateError::Io { path, action, source }
}

/// The time on this machine's clock.
pub(crate) fn wall_clock() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::SystemTime::UNIX_EPOCH);
    Timestamp::from_nanos(since.map_or(0, |since| i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)))
}

/// The folder that holds everything an environment must remember. Readable by its owner alone.
///
/// ```
/// use pampero_runtime::state_dir::StateDir;
/// let root = tempfile::tempdir()?;
/// let state = StateDir::open(Some(root.path()), "sandbox")?;
/// assert!(state.halt_file().starts_with(root.path().join("sandbox")));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateDir {
    path: PathBuf,
    environment: String,
}

impl StateDir {
    /// Opens the folder of an environment and creates it where it is missing.
    ///
    /// The root is the one given, or else `$PAMPERO_STATE`, `$XDG_STATE_HOME/pampero` or `~/.local/state/pampero`.
    ///
    /// # Errors
    ///
    /// A [`StateError`] where the folder is a link, belongs to somebody else, or is open to others.
    pub fn open(root: Option<&Path>, environment: &str) -> Result<Self, StateError> {
        let named = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
        if environment.is_empty() || environment.len() > 32 || !environment.bytes().all(named) {
            return Err(StateError::Environment(environment.to_owned()));
        }
        let root = root_of(root)?;
        // Others may look at the root, which holds nothing but folders, but must not put another folder in place.
        private_folder(&root, 0o755)?;
        let path = root.join(environment);
        private_folder(&path, 0o700)?;
        Ok(Self { path, environment: environment.to_owned() })
    }

    /// Every folder of the root that an environment has used, by name. None where there is no root yet.
    ///
    /// # Errors
    ///
    /// A [`StateError`] where the root cannot be read, or a folder in it cannot be used.
    pub fn all(root: Option<&Path>) -> Result<Vec<Self>, StateError> {
        let root = root_of(root)?;
        let entries = match fs::read_dir(&root) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(io_error(&root, "read")(error)),
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(io_error(&root, "read"))?;
            let folder = entry.file_type().map_err(io_error(&root, "read"))?.is_dir();
            names.extend(entry.file_name().into_string().ok().filter(|_| folder));
        }
        names.sort();
        let open = |name: &String| match Self::open(Some(&root), name) {
            // A folder of somebody else's making.
            Err(StateError::Environment(_)) => None,
            opened => Some(opened),
        };
        names.iter().filter_map(open).collect()
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The environment it is for.
    pub fn environment(&self) -> &str {
        &self.environment
    }

    /// The request budget that all processes talking to a host share.
    pub fn budget_file(&self, host: &str) -> PathBuf {
        let plain = |letter: char| if letter.is_ascii_alphanumeric() || letter == '.' { letter } else { '_' };
        self.path.join(format!("budget-{}", host.chars().map(plain).collect::<String>()))
    }

    /// The halt latch.
    pub fn halt_file(&self) -> PathBuf {
        self.path.join("halt.json")
    }

    /// Who halted and resumed, and why: one JSON document a line.
    pub fn halt_history_file(&self) -> PathBuf {
        self.path.join("halt-history.jsonl")
    }

    /// The sign of life of the process that trades.
    pub fn heartbeat_file(&self) -> PathBuf {
        self.path.join("heartbeat.json")
    }

    /// Where the process that trades says which order to flatten it has carried out.
    pub fn flat_file(&self) -> PathBuf {
        self.path.join("flat")
    }

    /// The lock of the process that trades.
    pub fn lock_file(&self) -> PathBuf {
        self.path.join("lock")
    }

    /// The journal.
    pub fn journal_file(&self) -> PathBuf {
        self.path.join("journal.sqlite")
    }

    /// Requests made by hand, before they are sent and after: one JSON document a line.
    pub fn ambiguous_file(&self) -> PathBuf {
        self.path.join("ambiguous.jsonl")
    }

    /// The ids of the events that were received and shown: one JSON document a line.
    pub fn webhook_events_file(&self) -> PathBuf {
        self.path.join("webhook-events.jsonl")
    }

    /// The account that was confirmed for this environment; at a further venue, if one is named.
    pub fn account_file(&self, venue: Option<&str>) -> PathBuf {
        self.path.join(venue.map_or("account.json".to_owned(), |venue| format!("account-{venue}.json")))
    }

    /// Becomes the one process that trades here, until the returned lock is dropped or the process ends.
    ///
    /// # Errors
    ///
    /// [`StateError::Locked`] says which process holds it.
    pub fn lock(&self) -> Result<StateLock, StateError> {
        let path = self.lock_file();
        let mut file = open_private(&path, OpenOptions::new().read(true).write(true).create(true))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                let _ = (&file).take(32).read_to_string(&mut text); // who holds it is a courtesy
                return Err(StateError::Locked { path, holder: text.trim().parse().ok() });
            }
            Err(TryLockError::Error(source)) => {
                return Err(StateError::Io { path, action: "locked", source });
            }
        }
        let named = file.set_len(0).and_then(|()| file.rewind());
        named.and_then(|()| writeln!(file, "{}", std::process::id())).map_err(io_error(&path, "written"))?;
        Ok(StateLock { _file: file })
    }
}

/// The right to trade in an environment. Dropping it gives the right back, and so does any end of the process.
#[derive(Debug)]
pub struct StateLock {
    _file: File,
}

fn root_of(given: Option<&Path>) -> Result<PathBuf, StateError> {
    match given {
        Some(root) => Ok(root.to_owned()),
        None => default_root(|name| std::env::var_os(name)).ok_or(StateError::NoRoot),
    }
}

/// Where the state goes if nothing is given, from environment variables. Empty ones count as not set.
fn default_root(variable: impl Fn(&str) -> Option<std::ffi::OsString>) -> Option<PathBuf> {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("PAMPERO_STATE")
        .or_else(|| set("XDG_STATE_HOME").filter(|path| path.is_absolute()).map(|path| path.join("pampero")))
        .or_else(|| set("HOME").map(|home| home.join(".local/state/pampero")))
}

/// Creates a folder for its owner alone, and checks one that is there: no access for others beyond `mode`.
fn private_folder(path: &Path, mode: u32) -> Result<(), StateError> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).or_else(|error| {
        // A link or file in its place gets a better word below.
        if fs::symlink_metadata(path).is_ok() { Ok(()) } else { Err(io_error(path, "created")(error)) }
    })?;
    let found = fs::symlink_metadata(path).map_err(io_error(path, "read"))?;
    check(path, &found, mode, true)
}

fn check(path: &Path, found: &fs::Metadata, wanted: u32, folder: bool) -> Result<(), StateError> {
    let path = path.to_owned();
    if found.is_symlink() {
        return Err(StateError::Symlink(path));
    }
    if found.is_dir() != folder || !(found.is_dir() || found.is_file()) {
        return Err(StateError::Kind { path, expected: if folder { "folder" } else { "file" } });
    }
    let user = rustix::process::geteuid().as_raw();
    if found.uid() != user {
        return Err(StateError::Foreign { path, owner: found.uid(), user });
    }
    let mode = found.mode() & 0o777;
    if mode & 0o077 & !wanted != 0 {
        return Err(StateError::Exposed { path, mode, wanted });
    }
    Ok(())
}

/// Opens a file of the state: never through a link, 0600 where it is created, and checked once it is open.
///
/// # Errors
///
/// A [`StateError`] where the file is a link, belongs to somebody else, or is open to others.
pub fn open_private(path: &Path, options: &mut OpenOptions) -> Result<File, StateError> {
    let no_follow = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();
    let file = options.mode(0o600).custom_flags(no_follow).open(path).map_err(|error| {
        let is_link = fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink());
        if is_link { StateError::Symlink(path.to_owned()) } else { io_error(path, "opened")(error) }
    })?;
    let found = file.metadata().map_err(io_error(path, "read"))?;
    check(path, &found, 0o600, false)?;
    Ok(file)
}

/// Replaces a file of the state in one step, synced, with mode 0600: a reader and a crash see the old content or
/// the new one, never a part.
///
/// # Errors
///
/// [`StateError::Io`] where the disk refuses; the old content stands then.
pub fn write_private(path: &Path, content: &[u8]) -> Result<(), StateError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let replace = || {
        let mut file = tempfile::NamedTempFile::new_in(folder)?; // made with mode 0600
        file.write_all(content)?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)?;
        File::open(folder)?.sync_all()
    };
    replace().map_err(io_error(path, "written"))
}

/// Appends to a file of the state, synced; what is there before it is not touched.
///
/// # Errors
///
/// As [`open_private`], or [`StateError::Io`] where the disk refuses.
pub fn append_private(path: &Path, content: &[u8]) -> Result<(), StateError> {
    let mut file = open_private(path, OpenOptions::new().append(true).create(true))?;
    file.write_all(content).and_then(|()| file.sync_data()).map_err(io_error(path, "written"))
}

/// Reads a small file of the state whole; nothing where there is none.
///
/// # Errors
///
/// As [`open_private`], or [`StateError::Io`] where it is longer than a mebibyte.
pub fn read_private(path: &Path) -> Result<Option<Vec<u8>>, StateError> {
    const LONGEST: u64 = 1 << 20;
    let file = match open_private(path, OpenOptions::new().read(true)) {
        Err(StateError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other?,
    };
    let mut content = Vec::new();
    let read = file.take(LONGEST + 1).read_to_end(&mut content).map_err(io_error(path, "read"))?;
    if u64::try_from(read).is_ok_and(|read| read > LONGEST) {
        let source = io::Error::new(io::ErrorKind::FileTooLarge, "it is longer than a state file can be");
        return Err(StateError::Io { path: path.to_owned(), action: "read", source });
    }
    Ok(Some(content))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn the_root_is_given_or_found_in_the_usual_order() {
        let look = |set: &[(&str, &str)]| {
            let set: Vec<_> = set.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
            default_root(move |name| {
                set.iter().find(|(other, _)| other == name).map(|(_, value)| value.clone().into())
            })
        };
        let (own, xdg, home) = (("PAMPERO_STATE", "/p"), ("XDG_STATE_HOME", "/x"), ("HOME", "/h"));
        assert_eq!(look(&[own, xdg, home]), Some("/p".into()));
        assert_eq!(look(&[xdg, home]), Some("/x/pampero".into()));
        assert_eq!(look(&[("XDG_STATE_HOME", "relative"), home]), Some("/h/.local/state/pampero".into()));
        assert_eq!(look(&[("PAMPERO_STATE", ""), ("XDG_STATE_HOME", "")]), None);
    }

    #[test]
    fn folders_are_made_for_the_owner_alone_and_opened_again() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().join("a/b");
        let state = StateDir::open(Some(&root), "local").unwrap();
        assert_eq!((mode(&root), mode(state.path())), (0o700, 0o700));
        assert_eq!(StateDir::open(Some(&root), "local").unwrap(), state);
        assert_eq!(state.budget_file("127.0.0.1:4000"), state.path().join("budget-127.0.0.1_4000"));
        assert_eq!(state.budget_file("../../x"), state.path().join("budget-.._.._x"));
    }

    #[test]
    fn what_others_could_use_is_refused_with_advice() {
        let root = tempfile::tempdir().unwrap();
        let state = StateDir::open(Some(root.path()), "local").unwrap();
        fs::set_permissions(state.path(), fs::Permissions::from_mode(0o750)).unwrap();
        let error = StateDir::open(Some(root.path()), "local").unwrap_err().to_string();
        assert!(error.contains("mode 0750") && error.contains("chmod 700"), "{error}");
        fs::set_permissions(root.path(), fs::Permissions::from_mode(0o777)).unwrap();
        let error = StateDir::open(Some(root.path()), "other").unwrap_err().to_string();
        assert!(error.contains("chmod 755"), "{error}");
    }

    #[test]
    fn links_files_and_strange_names_are_refused() {
        let root = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        symlink(elsewhere.path(), root.path().join("production")).unwrap();
        let error = StateDir::open(Some(root.path()), "production").unwrap_err();
        assert!(matches!(error, StateError::Symlink(_)), "{error}");
        fs::write(root.path().join("local"), "").unwrap();
        let error = StateDir::open(Some(root.path()), "local").unwrap_err();
        assert!(matches!(error, StateError::Kind { expected: "folder", .. }), "{error}");
        for name in ["", "..", "a/b", "Production", "a b"] {
            let error = StateDir::open(Some(root.path()), name).unwrap_err();
            assert!(matches!(error, StateError::Environment(_)), "{name}");
        }
    }

    #[test]
    fn a_foreign_folder_is_refused() {
        let found = fs::symlink_metadata("/proc/1").unwrap();
        if found.uid() == rustix::process::geteuid().as_raw() {
            let taken = tempfile::tempdir().unwrap();
            if std::os::unix::fs::chown(taken.path(), Some(12345), None).is_err() {
                eprintln!("skipped: no folder of another user to look at");
                return;
            }
            let error = StateDir::open(Some(taken.path()), "local").unwrap_err();
            assert!(matches!(error, StateError::Foreign { owner: 12345, .. }), "{error}");
            return;
        }
        let error = check(Path::new("/proc/1"), &found, 0o755, true).unwrap_err();
        assert!(matches!(error, StateError::Foreign { .. }), "{error}");
    }

    #[test]
    fn one_process_trades_and_a_second_learns_which() {
        let root = tempfile::tempdir().unwrap();
        let state = StateDir::open(Some(root.path()), "local").unwrap();
        let lock = state.lock().unwrap();
        let error = state.lock().unwrap_err().to_string();
        assert!(error.contains(&format!("process {}:", std::process::id())), "{error}");
        drop(lock);
        state.lock().unwrap();
    }

    #[test]
    fn files_are_private_whole_and_never_links() {
        let root = tempfile::tempdir().unwrap();
        let state = StateDir::open(Some(root.path()), "local").unwrap();
        let path = state.account_file(None);
        assert_eq!(read_private(&path).unwrap(), None);
        write_private(&path, b"one").unwrap();
        write_private(&path, b"two").unwrap();
        append_private(&path, b"+").unwrap();
        assert_eq!(read_private(&path).unwrap().unwrap(), b"two+");
        assert_eq!(mode(&path), 0o600);
        assert_eq!(fs::read_dir(state.path()).unwrap().count(), 1, "no temporary file is left");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(read_private(&path).unwrap_err(), StateError::Exposed { .. }));
        let link = state.ambiguous_file();
        symlink(&path, &link).unwrap();
        assert!(matches!(append_private(&link, b"x").unwrap_err(), StateError::Symlink(_)));
    }
}
