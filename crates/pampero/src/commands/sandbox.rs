//! `pampero sandbox`: the exchange on this machine.

use std::path::Path;

use pampero_sandbox::{ConfigError, PricePath, Sandbox, SandboxConfig, SandboxError};
use pampero_store::{LoadOptions, Series, load};
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::SandboxArgs;
use crate::config::Problem;
use crate::error::Failure;
use crate::output;

/// Serves until Ctrl-C or a termination signal, then keeps its state if it has a file for it.
pub(crate) fn sandbox(args: &SandboxArgs) -> Result<(), Failure> {
    let config = configuration(args)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.map_err(|error| Failure::system("the sandbox cannot start", &error))?;
    runtime.block_on(serve(config, args))
}

/// The configuration of the file, overridden by the options.
fn configuration(args: &SandboxArgs) -> Result<SandboxConfig, Failure> {
    let mut config = match &args.config {
        Some(path) => SandboxConfig::from_toml(&text_of(path)?).map_err(|error| wrong(path, &error))?,
        None => SandboxConfig::default(),
    };
    config.listen = args.listen.unwrap_or(config.listen);
    config.admin_listen = args.admin_listen.unwrap_or(config.admin_listen);
    config.seed = args.seed.unwrap_or(config.seed);
    config.agents.speed = args.speed.unwrap_or(config.agents.speed);
    config.state = args.state.clone().or(config.state);
    if let Some(path) = &args.faults {
        let faults = SandboxConfig::faults_from_toml(&text_of(path)?).map_err(|error| wrong(path, &error))?;
        config.faults.extend(faults);
    }
    let folder = args.config.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
    for book in &config.books {
        if let Some(series) = &book.series {
            let path = folder.join(series);
            let data = load(&path, &LoadOptions::default()).map_err(Failure::Data)?;
            let path = match data.series {
                Series::Candles(candles) => PricePath::from_candles(&candles),
                Series::Trades(trades) => PricePath::from_trades(&trades),
                Series::Quotes(_) | Series::Books(_) => {
                    let message = format!("{}: a price path is made of candles or trades", path.display());
                    return Err(Failure::usage(message, "name a file of candles or trades as `series`"));
                }
            };
            config.recorded.insert(book.code.clone(), path);
        }
    }
    Ok(config)
}

fn text_of(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|error| Failure::io(path, &error))
}

fn wrong(path: &Path, error: &ConfigError) -> Failure {
    let help = "the keys and their defaults stand in the documentation of `pampero-sandbox`";
    Failure::problem(Problem::new(path.display().to_string(), format!("{}: {error}", path.display()), help))
}

async fn serve(config: SandboxConfig, args: &SandboxArgs) -> Result<(), Failure> {
    let cannot = |error: std::io::Error| Failure::system("signals cannot be waited for", &error);
    // Before anything is announced, so that no signal is missed.
    let mut terminated = signal(SignalKind::terminate()).map_err(cannot)?;
    let mut interrupted = signal(SignalKind::interrupt()).map_err(cannot)?;
    let sandbox = Sandbox::start(config).await.map_err(failed)?;
    let announcement =
        if args.json { announcement(&sandbox) } else { welcome(&sandbox, args.name.as_deref()) };
    #[cfg(feature = "live")]
    let _word = leave_word(&sandbox, args);
    output::print(&announcement)?;
    tokio::select! {
        _ = interrupted.recv() => {}
        _ = terminated.recv() => {}
    }
    sandbox.shutdown().await.map_err(failed)
}

/// What a program needs to begin.
fn announcement(sandbox: &Sandbox) -> String {
    let object = serde_json::from_str(&sandbox.announcement()).unwrap_or_default(); // it is one JSON object
    format!("{}\n", output::with_schema(object))
}

/// Lets the account commands find this exchange as long as it runs.
#[cfg(feature = "live")]
fn leave_word(sandbox: &Sandbox, args: &SandboxArgs) -> Option<crate::connect::local::Word> {
    match crate::connect::local::Word::leave(args.name.as_deref(), &sandbox.announcement()) {
        Ok(word) => Some(word),
        Err(problem) => {
            let advice = "`--env local` will not find this exchange by itself: name its address with --url";
            if !args.json {
                output::print_error(&format!("warning: {problem}\n{advice}\n"));
            }
            None
        }
    }
}

// By value, as `map_err` hands it over.
#[allow(clippy::needless_pass_by_value)]
fn failed(error: SandboxError) -> Failure {
    let help = match &error {
        SandboxError::Config(error) => {
            return Failure::problem(Problem::new("sandbox", error.to_string(), "correct the value"));
        }
        SandboxError::State(_) => "move the file away to begin anew, or name another: --state FILE",
        SandboxError::Listen { .. } => {
            "another sandbox may run there: --listen 127.0.0.1:0 takes a free port"
        }
    };
    Failure::run(error.to_string(), help)
}

fn first_command(url: &str, name: Option<&str>) -> String {
    match name {
        Some(name) if cfg!(feature = "live") => {
            format!("pampero live FILE, with [venues.{name}] in the file")
        }
        None if cfg!(feature = "live") => "pampero balances".to_owned(),
        _ => format!("curl {url}/api/markets/btc_usd"),
    }
}

/// What a person needs to begin.
fn welcome(sandbox: &Sandbox, name: Option<&str>) -> String {
    let keys: Vec<String> =
        sandbox.keys().iter().map(|(name, token)| format!("  {name:<6} {token}")).collect();
    format!(
        "A local exchange{called} listens on {url}/api\nAdministration and ground truth: {admin}\n\nKeys:\n{keys}\n\
         One-time-password secret: {secret}\n\nTry, in another terminal: {first}\nCtrl-C ends it.\n",
        first = first_command(&sandbox.url(), name),
        called = name.map_or(String::new(), |name| format!(" `{name}`")),
        url = sandbox.url(),
        admin = sandbox.admin_url(),
        keys = keys.join("\n"),
        secret = sandbox.otp_secret()
    )
}
