//! One run: a process of its own, so that in a project it is the program as it was just built.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use pampero_report::{RunRecord, read_run};

use crate::cli::BacktestArgs;
use crate::commands::backtest::words;
use crate::error::Failure;

/// How a run ended.
pub(super) enum Ended {
    /// With a result.
    Ran(Box<RunRecord>),
    /// It did not compile, or something is wrong with its configuration or data. What is wrong was shown.
    Failed { code: Option<i32>, message: String },
    /// It was stopped by the user.
    Stopped,
}

/// Where the last run is kept unless something else is asked for.
pub(super) const KEPT: &str = "runs/watch";

/// How to run a backtest.
pub(super) struct Runner {
    program: PathBuf,
    arguments: Vec<String>,
    /// Where the run is kept, and read.
    kept: PathBuf,
    json: bool,
}

impl Runner {
    pub fn new(args: &BacktestArgs) -> Result<Self, Failure> {
        let own = || std::env::current_exe().map_err(|error| Failure::system("this program", &error));
        let mut arguments = Vec::new();
        let program = if Path::new("Cargo.toml").is_file() {
            arguments.extend(["run", "--quiet", "--"].map(str::to_owned));
            PathBuf::from(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        } else {
            own()?
        };
        arguments.extend(words(args));
        let kept = args.out.clone().unwrap_or_else(|| PathBuf::from(KEPT));
        let kept_in = ["--out".to_owned(), kept.display().to_string()];
        arguments.extend(kept_in);
        if let Some(file) = &args.html {
            arguments.extend(["--html".to_owned(), file.display().to_string()]);
        }
        Ok(Self { program, arguments, kept, json: args.json })
    }

    /// Runs to the end, or until it is to stop.
    pub fn run(&self, stop: &AtomicBool) -> Result<Ended, Failure> {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).stdin(Stdio::null()).stdout(Stdio::null());
        // A person reads what the child says as it says it; a program gets it in one piece.
        command.stderr(if self.json { Stdio::piped() } else { Stdio::inherit() });
        let mut child = command.spawn().map_err(|error| {
            Failure::system(&format!("`{}` does not start", self.program.display()), &error)
        })?;
        let said = child.stderr.take().map(|mut pipe| {
            std::thread::spawn(move || {
                let mut said = Vec::new();
                // What was said before the pipe broke is what there is.
                let _ = pipe.read_to_end(&mut said);
                String::from_utf8_lossy(&said).into_owned()
            })
        });
        let Some(status) = wait(&mut child, stop)? else { return Ok(Ended::Stopped) };
        if status.success() {
            return Ok(Ended::Ran(Box::new(read_run(&self.kept)?)));
        }
        let message = said.and_then(|thread| thread.join().ok()).unwrap_or_default();
        Ok(Ended::Failed { code: status.code(), message })
    }
}

/// Waits for the end of a process; ends it if it is to stop.
fn wait(child: &mut Child, stop: &AtomicBool) -> Result<Option<ExitStatus>, Failure> {
    let failed = |error: std::io::Error| Failure::system("the run cannot be waited for", &error);
    loop {
        if stop.load(Ordering::Relaxed) {
            // It may have ended by the same signal.
            let _ = child.kill();
            child.wait().map_err(failed)?;
            return Ok(None);
        }
        if let Some(status) = child.try_wait().map_err(failed)? {
            return Ok(Some(status));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}
