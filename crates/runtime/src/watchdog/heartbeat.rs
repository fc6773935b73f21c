//! The sign of life: a file that changes every second.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use pampero_model::{Span, Timestamp};
use serde::{Deserialize, Serialize};

use crate::state_dir::{StateError, io_error, open_private, read_private};

/// Whether the process that beats trades, or has ended in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Life {
    /// It trades.
    Running,
    /// It cancelled its orders and ended: its silence means nothing.
    Ended,
}

/// What the file says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beat {
    /// The process.
    pub pid: u32,
    /// When the run started; tells one run from the next.
    pub run: Timestamp,
    /// Counts the beats.
    pub seq: u64,
    /// When, by the clock of the machine. For people; silence is not counted from it.
    pub at: Timestamp,
    /// Whether it trades.
    pub life: Life,
}

impl Beat {
    /// Whether a process of that number exists.
    pub fn process_exists(&self) -> bool {
        let pid = i32::try_from(self.pid).ok().and_then(rustix::process::Pid::from_raw);
        // One that exists and belongs to somebody else cannot be asked, which is an answer as well.
        pid.is_some_and(|pid| {
            !matches!(rustix::process::test_kill_process(pid), Err(rustix::io::Errno::SRCH))
        })
    }
}

/// The writer of the sign of life. Call [`Heartbeat::beat`] from the loop whose end should be noticed.
///
/// ```
/// use pampero_model::Timestamp;
/// use pampero_runtime::{state_dir::StateDir, watchdog::Heartbeat};
/// let root = tempfile::tempdir()?;
/// let path = StateDir::open(Some(root.path()), "local")?.heartbeat_file();
/// let mut heartbeat = Heartbeat::open(&path, Timestamp::from_secs(100))?;
/// heartbeat.beat(Timestamp::from_secs(101))?;
/// assert_eq!(Heartbeat::read(&path).unwrap().seq, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Heartbeat {
    file: File,
    path: PathBuf,
    beat: Beat,
}

/// Beats that come faster are left out.
const PACE: Span = Span::from_secs(1);
/// The file always has this many bytes, so that a beat is one write in place, which needs no space.
const FILE_BYTES: usize = 256;

impl Heartbeat {
    /// Opens the file for a run that starts now, and beats for the first time.
    ///
    /// # Errors
    ///
    /// [`StateError`] where the file cannot be made or written.
    pub fn open(path: &Path, now: Timestamp) -> Result<Self, StateError> {
        let file = open_private(path, OpenOptions::new().write(true).create(true))?;
        let beat = Beat { pid: std::process::id(), run: now, seq: 0, at: now, life: Life::Running };
        let heartbeat = Self { file, path: path.to_owned(), beat };
        heartbeat.write()?;
        Ok(heartbeat)
    }

    /// Says that this process is alive; costs nothing more than once a second.
    ///
    /// # Errors
    ///
    /// [`StateError::Io`] where the file cannot be written. The watchdog will act, so trading should stop.
    pub fn beat(&mut self, now: Timestamp) -> Result<(), StateError> {
        // A clock that is set back must not silence it.
        if now >= self.beat.at && now < self.beat.at.plus(PACE) {
            return Ok(());
        }
        self.beat.seq += 1;
        self.beat.at = now;
        self.write()
    }

    /// Begins a new run in the same process: after a person has resumed, so that a watchdog that acted on the old
    /// one watches again.
    ///
    /// # Errors
    ///
    /// [`StateError::Io`] where the file cannot be written.
    pub fn renew(&mut self, now: Timestamp) -> Result<(), StateError> {
        (self.beat.run, self.beat.at, self.beat.seq) = (now, now, 0);
        self.write()
    }

    /// The run ends in order and has left no orders: the watchdog has nothing to watch.
    ///
    /// # Errors
    ///
    /// [`StateError::Io`] where the file cannot be written.
    pub fn end(mut self, now: Timestamp) -> Result<(), StateError> {
        self.beat.seq += 1;
        (self.beat.at, self.beat.life) = (now, Life::Ended);
        self.write()
    }

    /// What the file says; nothing where there is none, or it holds something else.
    pub fn read(path: &Path) -> Option<Beat> {
        serde_json::from_slice(&read_private(path).ok()??).ok()
    }

    fn write(&self) -> Result<(), StateError> {
        let write = || {
            let mut bytes = serde_json::to_vec(&self.beat)?;
            bytes.resize(FILE_BYTES - 1, b' ');
            bytes.push(b'\n');
            self.file.write_all_at(&bytes, 0)?;
            Ok::<_, io::Error>(())
        };
        write().map_err(io_error(&self.path, "written"))
    }
}
