//! `pampero report`: the report of a run that was kept.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use pampero_report::{Statistics, Style, read_run, render, render_html, summary_json};

use crate::cli::ReportArgs;
use crate::error::Failure;
use crate::output;

/// Prints the report anew, or writes it as HTML.
pub(crate) fn report(args: &ReportArgs) -> Result<(), Failure> {
    let record = read_run(&args.run)?;
    let statistics = Statistics::compute(&record);
    let kept = args.run.join("report.html");
    let file = args.html.clone().or_else(|| args.open.then_some(kept));
    if let Some(file) = &file {
        write_html(file, &render_html(&record, &statistics))?;
    }
    if args.json {
        output::print_json(&summary_json(&record, &statistics))?;
    } else if file.is_none() {
        let style = Style { color: output::color_on_stdout(), timing: false };
        output::print(&render(&record, &statistics, &style))?;
    }
    match file {
        Some(file) if args.open => open(&file),
        _ => Ok(()),
    }
}

/// Writes a page, and says where it is.
pub(crate) fn write_html(file: &Path, page: &str) -> Result<(), Failure> {
    std::fs::write(file, page).map_err(|error| Failure::io(file, &error))?;
    output::print_error(&format!("wrote {}\n", file.display()));
    Ok(())
}

/// Shows a file in what the desktop shows it with.
fn open(file: &Path) -> Result<(), Failure> {
    let file: PathBuf = std::path::absolute(file).map_err(|error| Failure::io(file, &error))?;
    let program = if cfg!(target_os = "macos") {
        "open"
    } else if cfg!(windows) {
        "explorer"
    } else {
        "xdg-open"
    };
    let started = Command::new(program).arg(&file).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    match started {
        Ok(_) => Ok(()),
        Err(error) => Err(Failure::run(
            format!("the report is written, but `{program}` did not start: {error}"),
            format!("open {} in a browser", file.display()),
        )),
    }
}
