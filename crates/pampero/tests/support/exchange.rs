//! A running `pampero sandbox` with a state directory of its own, and the command against it.
#![allow(dead_code)] // each test file uses its part

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use super::Ran;

/// An exchange in a process of its own; ended when dropped.
pub struct Exchange {
    process: Child,
    pub ready: Value,
    pub folder: tempfile::TempDir,
}

/// Books that nobody else trades in, so that prices and ids depend on the test alone; no limit on requests.
const QUIET: &str =
    "requests_per_second = 0\nagents.enabled = true\nagents.step = '1d'\nfunding_delay = '300ms'\n";

const MAKER: &str = r#"
[run]
report_currency = "usd"
[[strategy]]
name = "market-maker"
markets = ["btc_usd"]
[strategy.parameters]
max_position = "3"
min_position = "0"
"#;

const ACCOUNT: &str = r#"
[account]
usd = "10000"
btc = "1"
"#;

impl Exchange {
    /// With what is usual in tests.
    pub fn start() -> Self {
        Self::with("")
    }

    /// With more of a configuration.
    pub fn with(more: &str) -> Self {
        Self::configured(&format!("{QUIET}{more}"))
    }

    /// With this configuration alone.
    pub fn configured(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("exchange.toml");
        std::fs::write(&config, text).unwrap();
        let (process, ready) = spawn(&folder.path().join("state"), &config);
        Self { process, ready, folder }
    }

    pub fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// Leaves a `maker.toml` beside it: a market maker on `btc_usd` that owns the account, with these lines among its
    /// parameters, and more tables.
    pub fn with_maker(self, parameters: &str, tables: &str) -> Self {
        let text = format!("{MAKER}{parameters}\n{ACCOUNT}{tables}");
        std::fs::write(self.folder.path().join("maker.toml"), text).unwrap();
        self
    }

    /// A command that finds this exchange by itself.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pampero"));
        command
            .current_dir(self.folder.path())
            .env_clear()
            .env("NO_COLOR", "1")
            .env("HOME", self.folder.path().join("home"))
            .env("PAMPERO_STATE", self.state())
            .stdin(Stdio::null())
            .args(arguments);
        command
    }

    /// Runs a command to its end. No output of any command holds a key of the account.
    pub fn run(&self, arguments: &[&str]) -> Ran {
        let ran = self.run_showing_keys(arguments);
        for key in self.ready["keys"].as_object().unwrap().values() {
            let key = key.as_str().unwrap();
            for text in [&ran.stdout, &ran.stderr] {
                assert!(
                    !text.contains(&key[..20]) && !text.contains(&key[60..]),
                    "{arguments:?} shows a key"
                );
            }
        }
        ran
    }

    pub fn run_showing_keys(&self, arguments: &[&str]) -> Ran {
        let output = self.command(arguments).output().unwrap();
        Ran {
            code: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The one JSON object of a command that succeeds.
    pub fn json(&self, arguments: &[&str]) -> Value {
        let arguments: Vec<&str> = arguments.iter().copied().chain(["--json"]).collect();
        let json = self.run(&arguments).json();
        assert!(json["schema"].as_str().unwrap().starts_with(&format!("pampero.{}", arguments[0])), "{json}");
        assert_eq!(json["environment"], "local");
        json
    }

    pub fn key(&self, name: &str) -> String {
        self.ready["keys"][name].as_str().unwrap().to_owned()
    }

    /// The one-time password of now.
    pub fn otp(&self) -> String {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        let now = pampero_model::Timestamp::from_secs(since.as_secs().try_into().unwrap());
        pampero_sandbox::one_time_password(self.ready["otp_secret"].as_str().unwrap(), now).unwrap()
    }

    /// A request to the exchange or its administration: status and body.
    pub fn http(&self, to: &str, method: &str, path: &str, headers: &str, body: &str) -> (u16, String) {
        let address = if to == "admin" { self.ready["admin_url"].as_str().unwrap() } else { to };
        http(address.strip_prefix("http://").unwrap(), method, path, headers, body)
    }

    /// Puts faults in place of those in force, as a JSON list.
    pub fn faults(&self, rules: &str) {
        let (status, body) = self.http("admin", "PUT", "/faults", "", rules);
        assert_eq!(status, 200, "{body}");
    }

    pub fn admin(&self, path: &str, body: &str) {
        let (status, answer) = self.http("admin", "POST", path, "", body);
        assert_eq!(status, 200, "{answer}");
    }

    /// The order of the truth by side and id.
    pub fn truth(&self) -> Vec<Value> {
        let (_, body) = self.http("admin", "GET", "/orders", "", "");
        let body: Value = serde_json::from_str(&body).unwrap();
        body.as_array().cloned().unwrap_or_else(|| body["orders"].as_array().unwrap().clone())
    }

    /// Ends it as an operator would.
    pub fn end(&mut self) {
        let pid = self.process.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        assert!(self.process.wait().unwrap().success());
    }

    /// Ends it as a power cut would.
    pub fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

fn spawn(state: &Path, config: &Path) -> (Child, Value) {
    let mut process = Command::new(env!("CARGO_BIN_EXE_pampero"))
        .arg("sandbox")
        .arg(config)
        .args(["--json", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"])
        .env("PAMPERO_STATE", state)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
    (process, serde_json::from_str(&line).unwrap())
}

impl Drop for Exchange {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A request over plain HTTP: status and body.
pub fn http(address: &str, method: &str, path: &str, headers: &str, body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: local\r\nContent-Length: {length}\r\nConnection: close\r\n{headers}\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    (status, answer.split_once("\r\n\r\n").unwrap().1.to_owned())
}
