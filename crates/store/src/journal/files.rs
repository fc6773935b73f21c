//! Files for their owner alone.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::JournalError;

/// Bytes kept aside so that the last words of a session find room on a full disk.
const RESERVE: usize = 1 << 20;

pub(super) fn io(path: &Path, action: &'static str) -> impl FnOnce(std::io::Error) -> JournalError {
    let path = path.to_owned();
    move |source| JournalError::Io { path, action, source }
}

pub(super) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Makes the directory if there is none, and refuses one that others can look into.
pub(super) fn private_folder(path: &Path) -> Result<(), JournalError> {
    if !path.exists() {
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(io(path, "create it"))?;
    }
    let found = fs::symlink_metadata(path).map_err(io(path, "look at it"))?;
    let refuse =
        |problem: &str| Err(JournalError::Unsafe { path: path.to_owned(), problem: problem.to_owned() });
    if !found.is_dir() {
        return refuse("is a symbolic link or a file; a directory is expected");
    }
    if found.uid() != rustix::process::geteuid().as_raw() {
        return refuse("belongs to another user");
    }
    if found.mode() & 0o077 != 0 {
        return refuse("is open to others: run `chmod 700` on it");
    }
    Ok(())
}

/// Makes an empty file for the owner alone if there is none, and refuses a link and a stranger's file.
pub(super) fn private_file(path: &Path) -> Result<(), JournalError> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(file) => {
            file.sync_all().map_err(io(path, "sync it"))?;
            return sync_folder(folder_of(path));
        }
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(io(path, "create it")(error)),
    }
    check_file(path)?;
    fs::set_permissions(path, Permissions::from_mode(0o600)).map_err(io(path, "set its mode"))
}

pub(super) fn check_file(path: &Path) -> Result<(), JournalError> {
    let found = fs::symlink_metadata(path).map_err(io(path, "look at it"))?;
    let refuse =
        |problem: &str| Err(JournalError::Unsafe { path: path.to_owned(), problem: problem.to_owned() });
    if !found.is_file() {
        return refuse("is a symbolic link or no file");
    }
    if found.uid() != rustix::process::geteuid().as_raw() {
        return refuse("belongs to another user");
    }
    Ok(())
}

/// Refuses an empty file where a journal was: SQLite would take it for a new one.
pub(super) fn refuse_emptied(path: &Path) -> Result<(), JournalError> {
    let length = fs::metadata(path).map_err(io(path, "look at it"))?.len();
    let reserve = reserve_of(path);
    // SQLite takes a file of one byte for empty, too.
    if length > 1 || !reserve.exists() {
        return Ok(());
    }
    let problem = format!("it is empty, and `{}` says that it was not", reserve.display());
    Err(JournalError::DamagedFile { path: path.to_owned(), problem })
}

fn sync_folder(folder: &Path) -> Result<(), JournalError> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(io(folder, "sync it"))
}

/// Writes a file so that a crash leaves all of it or nothing.
pub(super) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), JournalError> {
    let temporary = path.with_extension("part");
    let write = || -> std::io::Result<()> {
        let mut options = OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    };
    write().map_err(io(path, "write it"))?;
    sync_folder(folder_of(path))
}

fn reserve_of(journal: &Path) -> PathBuf {
    journal.with_extension("reserve")
}

/// Sets the reserve aside, written in full so that the file system cannot give its room away.
pub(super) fn keep_reserve(journal: &Path) -> Result<(), JournalError> {
    let path = reserve_of(journal);
    let expected = u64::try_from(RESERVE).unwrap_or(u64::MAX);
    match fs::symlink_metadata(&path) {
        Ok(found) if found.is_file() && found.len() == expected => Ok(()),
        _ => {
            // Not zeros: some file systems store those as holes.
            let bytes: Vec<u8> =
                (0..RESERVE).map(|at| u8::try_from((at * 31 + at / 251) % 255 + 1).unwrap_or(1)).collect();
            write_whole(&path, &bytes)
        }
    }
}

pub(super) fn give_reserve_up(journal: &Path) {
    // If it is gone already there is nothing to give up.
    let _ = fs::remove_file(reserve_of(journal));
}
