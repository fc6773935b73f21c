//! `pampero new`: a project for a strategy of one's own.

mod data;
mod name;
mod source;
mod template;

use std::fs;
use std::path::{Path, PathBuf};

use pampero_engine::StrategyDefinition;
use serde_json::json;

use self::name::Name;
use self::source::Source;
use self::template::Template;
use crate::cli::author::NewArgs;
use crate::error::Failure;
use crate::output;

/// Makes a project.
pub(crate) fn new(args: &NewArgs, definitions: &[StrategyDefinition]) -> Result<(), Failure> {
    let name = Name::new(&args.name, definitions)?;
    let source = Source::find(args.source.as_deref())?;
    let folder = args.path.clone().unwrap_or_else(|| PathBuf::from(&args.name));
    refuse_what_is_there(&folder)?;
    let template = Template::of(args.template);
    let mut files = Vec::new();
    for (path, text) in template.files(&name, &source) {
        write(&folder.join(path), &text)?;
        files.push(path.to_owned());
    }
    for sample in template.data {
        make_folder(&folder.join("data"))?;
        sample.write(&folder)?;
        files.push(sample.file.to_owned());
    }
    if let Some(lock) = source.lock_file() {
        let to = folder.join("Cargo.lock");
        fs::copy(&lock, &to).map_err(|error| Failure::io(&to, &error))?;
        files.push("Cargo.lock".to_owned());
    }
    if args.json {
        return output::print_json(&json!({
            "name": name.package, "template": template.name, "folder": folder, "source": source.to_json(),
            "files": files,
        }));
    }
    output::say(&format!(
        "made {folder}: a strategy, its tests, one configuration for every rung, sample data\n\
         \n  cd {folder}\
         \n  cargo run -- backtest      the first build takes a minute or two\
         \n  cargo test\n\
         \nThe strategy is src/lib.rs; README.md says how it goes on.\n",
        folder = folder.display()
    ))
}

/// A project goes into a new folder, or an empty one: a fresh repository counts as empty.
fn refuse_what_is_there(folder: &Path) -> Result<(), Failure> {
    let help = "choose another with --path DIR, or empty it";
    match fs::read_dir(folder) {
        Ok(entries) => {
            let other = entries.filter_map(Result::ok).find(|entry| entry.file_name() != ".git");
            match other {
                None => Ok(()),
                Some(entry) => {
                    let what = entry.file_name().to_string_lossy().into_owned();
                    let message = format!("`{}` is there already and holds `{what}`", folder.display());
                    Err(Failure::usage(message, help))
                }
            }
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotADirectory => {
            Err(Failure::usage(format!("`{}` is a file", folder.display()), help))
        }
        Err(error) => Err(Failure::io(folder, &error)),
    }
}

fn make_folder(folder: &Path) -> Result<(), Failure> {
    fs::create_dir_all(folder).map_err(|error| Failure::io(folder, &error))
}

fn write(file: &Path, text: &str) -> Result<(), Failure> {
    make_folder(file.parent().unwrap_or(Path::new("")))?;
    fs::write(file, text).map_err(|error| Failure::io(file, &error))
}
