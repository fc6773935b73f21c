//! `pampero keys`: API keys.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

use pampero_bitex::{KeyName, KeyPermissions, KeyRecord};
use serde_json::{Value as Json, json};

use super::confirm::{confirm, one_time_password};
use super::create::{Candidate, New, create};
use super::orders::repeat;
use super::{Session, run, show};
use crate::cli::account::{Consent, KeysCommand, Otp, Permission};
use crate::error::Failure;

/// Lists, creates and revokes keys.
pub(super) fn keys(command: KeysCommand) -> Result<(), Failure> {
    match command {
        KeysCommand::List { connect } => run(&connect, list),
        KeysCommand::Create { permissions, to, show: _, otp, consent, connect } => {
            run(&connect, async |session: &Session| {
                new(session, &permissions, to.as_deref(), &otp, consent).await
            })
        }
        KeysCommand::Revoke { id, consent, connect } => {
            run(&connect, async |session: &Session| revoke(session, id, consent).await)
        }
    }
}

/// The permissions of a key by the exchange's names.
pub(super) fn granted(permissions: &KeyPermissions) -> Vec<&'static str> {
    let all = [
        (permissions.fund_account, "fund_account"),
        (permissions.create_withdrawal, "create_withdrawal"),
        (permissions.get_withdrawal, "get_withdrawal"),
        (permissions.get_balances, "get_balances"),
        (permissions.trading, "trading"),
        (permissions.payments, "payments"),
        (permissions.compliance, "compliance"),
        (permissions.api_keys, "api_keys"),
        (permissions.write == Some(true), "write"),
        (permissions.write == Some(false), "read"),
    ];
    all.into_iter().filter(|(granted, _)| *granted).map(|(_, name)| name).collect()
}

fn object(record: &KeyRecord) -> Json {
    json!({ "id": record.id, "ending": record.token.ending(), "permissions": granted(&record.permissions) })
}

fn line(record: &KeyRecord) -> String {
    let permissions = granted(&record.permissions).join(" ");
    format!("key {}, …{}: {permissions}", record.id, show::plain(record.token.ending()))
}

async fn list(session: &Session) -> Result<(), Failure> {
    let client = session.connection.client(KeyName::Admin)?;
    let keys = client.api_keys().await?;
    let objects: Vec<Json> = keys.iter().map(object).collect();
    session.out.show("keys", &objects, || {
        let rows: Vec<Vec<String>> = keys
            .iter()
            .map(|record| {
                let ending = format!("…{}", show::plain(record.token.ending()));
                let own = client.key().is_some_and(|key| key.ends_like(&record.token));
                let own = if own { " (this one)" } else { "" };
                vec![record.id.to_string(), ending, granted(&record.permissions).join(" ") + own]
            })
            .collect();
        let mut text = String::new();
        for row in &rows {
            if let [id, ending, may] = row.as_slice() {
                let _ = writeln!(text, "{id:>6}  {ending}");
                text.push_str(&crate::output::wrapped(may, "        "));
            }
        }
        text
    })
}

async fn new(
    session: &Session,
    permissions: &[Permission],
    to: Option<&Path>,
    otp: &Otp,
    consent: Consent,
) -> Result<(), Failure> {
    let client = session.connection.client(KeyName::Admin)?;
    let wanted = wanted(permissions);
    // A key that cannot be stored afterwards would be lost, so the file is made before it.
    let file = to.map(|path| private_file(path).map_err(|error| Failure::io(path, &error))).transpose()?;
    let made = make(session, &client, wanted, otp, consent).await;
    match (&made, to) {
        (Err(_), Some(path)) => {
            let _ = std::fs::remove_file(path); // it is empty
        }
        (Ok(record), _) => deliver(session, record, to.zip(file))?,
        _ => {}
    }
    made.map(drop)
}

async fn make(
    session: &Session,
    client: &pampero_bitex::Client,
    wanted: KeyPermissions,
    otp: &Otp,
    consent: Consent,
) -> Result<KeyRecord, Failure> {
    let words = format!("a key that may: {}", granted(&wanted).join(", "));
    confirm(session, &format!("create {words}"), consent)?;
    let password = one_time_password(session, otp)?;
    let list = async || {
        let of = |record: &KeyRecord| Candidate {
            id: record.id.to_string(),
            words: format!("{}: nobody has its token, so revoke it", line(record)),
            json: object(record),
        };
        Ok(client.api_keys().await?.iter().map(of).collect())
    };
    let about = New { what: "key", words: &words, details: json!({ "permissions": granted(&wanted) }) };
    create(session, about, list, async || client.create_api_key(wanted, &password).await).await
}

fn wanted(permissions: &[Permission]) -> KeyPermissions {
    let has = |permission| permissions.contains(&permission);
    KeyPermissions {
        fund_account: has(Permission::FundAccount),
        create_withdrawal: has(Permission::CreateWithdrawal),
        get_withdrawal: has(Permission::GetWithdrawal),
        get_balances: has(Permission::GetBalances),
        trading: has(Permission::Trading),
        payments: has(Permission::Payments),
        compliance: has(Permission::Compliance),
        api_keys: has(Permission::ApiKeys),
        write: None,
    }
}

/// A new file that only the user can read. One that is there already is never written over: it may hold a key.
fn private_file(path: &Path) -> std::io::Result<std::fs::File> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Stores or shows the token: the one time that it is to be had.
fn deliver(session: &Session, record: &KeyRecord, to: Option<(&Path, std::fs::File)>) -> Result<(), Failure> {
    let Some(token) = record.token.reveal() else {
        let message = format!("the exchange created {} and did not show it", line(record));
        return Err(Failure::run(message, format!("revoke it with `pampero keys revoke {}`", record.id)));
    };
    let permissions = granted(&record.permissions);
    let Some((path, mut file)) = to else {
        let value = json!({ "id": record.id, "permissions": permissions, "token": token });
        return session.out.show("key", &value, || format!("{}\n{token}\n", line(record)));
    };
    let stored = writeln!(file, "{token}").and_then(|()| file.sync_all());
    stored.map_err(|error| {
        let (id, path) = (record.id, path.display());
        let advice = format!("revoke it with `pampero keys revoke {id}`");
        Failure::run(format!("key {id} exists, and {path} could not be written: {error}"), advice)
    })?;
    let value = json!({ "id": record.id, "permissions": permissions, "file": path });
    session.out.show("key", &value, || format!("{}\nstored in {}\n", line(record), path.display()))
}

async fn revoke(session: &Session, id: u64, consent: Consent) -> Result<(), Failure> {
    let client = session.connection.client(KeyName::Admin)?;
    let record = client.api_key(id).await?;
    let own = client.key().is_some_and(|key| key.ends_like(&record.token));
    let own = if own { ", which is the one that asks for it" } else { "" };
    confirm(session, &format!("revoke {}{own}", line(&record)), consent)?;
    repeat(async || client.revoke_api_key(id).await).await?;
    session.out.show("revoked", &object(&record), || format!("{} is revoked\n", line(&record)))
}
