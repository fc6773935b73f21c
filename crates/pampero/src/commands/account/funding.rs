//! Money that comes in and goes out.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use pampero_bitex::{CashWithdrawal, CoinWithdrawal, KeyName, NewCoinWithdrawal, WithdrawalInstruction};
use pampero_model::Money;
use serde::Serialize;
use serde_json::json;

use super::confirm::{confirm, one_time_password};
use super::create::{Candidate, New, create};
use super::{Session, run, show};
use crate::cli::account::{Consent, InstructionsCommand, Otp};
use crate::error::Failure;

/// `pampero deposits`.
pub(super) async fn deposits(session: &Session, from: Option<&str>, how: bool) -> Result<(), Failure> {
    if how {
        return how_to_deposit(session).await;
    }
    let client = session.connection.client(KeyName::Funds)?;
    let cash = client.cash_deposits(from).await?;
    let coins = client.coin_deposits(from).await?;
    session.out.show("deposits", &json!({ "cash": cash, "coins": coins }), || {
        let in_cash = cash.iter().map(|one| {
            let amount = one.amount.or(one.requested);
            vec![
                show::optional_time(one.created_at),
                one.id.clone(),
                amount.map(|money| money.to_string()).unwrap_or_default(),
                one.net.map(|money| money.to_string()).unwrap_or_default(),
                one.status.clone(),
            ]
        });
        let in_coins = coins.iter().map(|one| {
            vec![
                show::optional_time(one.created_at),
                one.id.clone(),
                one.amount.to_string(),
                String::new(),
                "done".to_owned(),
            ]
        });
        let rows: Vec<Vec<String>> = in_cash.chain(in_coins).collect();
        show::table_or(&["time (UTC)", "id", ">amount", ">net", "status"], &rows, "no deposits")
    })
}

async fn how_to_deposit(session: &Session) -> Result<(), Failure> {
    let client = session.connection.client(KeyName::Funds)?;
    let coins = client.coin_wallets().await?;
    let cash = client.cash_deposit_instructions().await?;
    session.out.show("how", &json!({ "coins": coins, "cash": cash }), || {
        let mut text = String::new();
        for wallet in &coins {
            let address = wallet.address.as_deref().unwrap_or("no address yet");
            let _ = writeln!(text, "{}: {}", wallet.balance.currency, show::plain(address));
            if let Some(address) = &wallet.auto_sell_address {
                let _ = writeln!(text, "    to be sold at once: {}", show::plain(address));
            }
        }
        for one in &cash {
            let _ = writeln!(text, "\n{}:", one.currency);
            text.push_str(&crate::output::wrapped(&show::plain(&one.instructions), "    "));
        }
        text
    })
}

/// `pampero withdrawals`.
pub(super) async fn withdrawals(session: &Session, from: Option<&str>) -> Result<(), Failure> {
    let client = session.connection.client(KeyName::Funds)?;
    let cash = client.cash_withdrawals(from).await?;
    let coins = client.coin_withdrawals(from).await?;
    session.out.show("withdrawals", &json!({ "cash": cash, "coins": coins }), || {
        let rows: Vec<Vec<String>> = cash.iter().map(cash_row).chain(coins.iter().map(coin_row)).collect();
        show::table_or(&["time (UTC)", "id", ">amount", "status", "to"], &rows, "no withdrawals")
    })
}

fn cash_row(one: &CashWithdrawal) -> Vec<String> {
    let to = match (&one.label, &one.instruction_id) {
        (Some(label), _) if !label.is_empty() => label.clone(),
        (_, Some(id)) => format!("instruction {id}"),
        _ => String::new(),
    };
    vec![
        show::optional_time(one.created_at),
        one.id.clone(),
        one.amount.to_string(),
        one.status.clone(),
        show::plain(&to),
    ]
}

fn coin_row(one: &CoinWithdrawal) -> Vec<String> {
    let row =
        [show::optional_time(one.created_at), one.id.clone(), one.amount.to_string(), one.status.clone()];
    row.into_iter().chain([show::plain(&one.to_address)]).collect()
}

/// `pampero instructions …`.
pub(super) fn instructions(command: InstructionsCommand) -> Result<(), Failure> {
    match command {
        InstructionsCommand::List { connect } => run(&connect, async |session: &Session| {
            let list = session.connection.client(KeyName::Funds)?.withdrawal_instructions().await?;
            session.out.show("instructions", &list, || {
                let rows: Vec<Vec<String>> =
                    list.iter().map(|one| vec![one.id.clone(), summary(one)]).collect();
                show::table_or(&["id", "where to"], &rows, "no withdrawal instructions")
            })
        }),
        InstructionsCommand::Create { label, fields, consent, connect } => {
            run(&connect, async |session: &Session| new_instruction(session, &label, fields, consent).await)
        }
        InstructionsCommand::Delete { id, consent, connect } => run(&connect, async |session: &Session| {
            let client = session.connection.client(KeyName::Funds)?;
            let found = client.withdrawal_instruction(id).await?;
            confirm(session, &format!("delete the instruction {id} ({})", summary(&found)), consent)?;
            client.delete_withdrawal_instruction(id).await?;
            session.out.show("deleted", &found, || format!("instruction {id} is deleted\n"))
        }),
    }
}

/// Label, method, currency and account number.
fn summary(one: &WithdrawalInstruction) -> String {
    let field = |name: &str| one.body.get(name).map(String::as_str);
    let parts = [
        Some(one.label.as_str()),
        field("payment_method"),
        field("currency"),
        field("name"),
        field("cbu").or(field("bank_account_number")),
    ];
    let parts: Vec<String> =
        parts.into_iter().flatten().filter(|part| !part.is_empty()).map(show::plain).collect();
    parts.join(", ")
}

async fn new_instruction(
    session: &Session,
    label: &str,
    fields: Vec<(String, String)>,
    consent: Consent,
) -> Result<(), Failure> {
    let client = session.connection.client(KeyName::Funds)?;
    let body: BTreeMap<String, String> = fields.into_iter().collect();
    let words = format!("the withdrawal instruction `{label}`");
    confirm(session, &format!("create {words}"), consent)?;
    let list = async || {
        let listed = client.withdrawal_instructions().await?;
        Ok(listed
            .iter()
            .map(|one| candidate(&one.id, format!("instruction {}: {}", one.id, summary(one)), one))
            .collect())
    };
    let new = New { what: "instruction", words: &words, details: json!({ "label": label, "fields": body }) };
    let created =
        create(session, new, list, async || client.create_withdrawal_instruction(label, &body).await).await?;
    session
        .out
        .show("instruction", &created, || format!("instruction {}: {}\n", created.id, summary(&created)))
}

/// Something that may be what was to be created.
pub(super) fn candidate(id: &str, words: String, value: &impl Serialize) -> Candidate {
    let json = serde_json::to_value(value).unwrap_or_default();
    Candidate { id: id.to_owned(), words, json }
}

/// Where a withdrawal goes.
pub(super) enum Target {
    Address { address: String, label: String },
    Instruction(u64),
}

/// `pampero withdraw`.
pub(super) async fn withdraw(
    session: &Session,
    amount: Money,
    target: Target,
    otp: &Otp,
    consent: Consent,
) -> Result<(), Failure> {
    if amount.units <= 0 {
        let message = format!("{amount} cannot be withdrawn");
        return Err(Failure::usage(message, "write an amount above 0, such as \"0.01 BTC\""));
    }
    let client = session.connection.client(KeyName::Funds)?;
    let listed = |rows: Vec<Vec<String>>| -> Vec<Candidate> {
        let words = |row: &Vec<String>| row.iter().skip(2).cloned().collect::<Vec<_>>().join(", ");
        rows.iter()
            .map(|row| {
                let id = row.get(1).cloned().unwrap_or_default();
                candidate(&id, format!("withdrawal {id}: {}", words(row)), row)
            })
            .collect()
    };
    match target {
        Target::Address { address, label } => {
            let words = format!("withdraw {amount} to {address}");
            confirm(session, &words, consent)?;
            let password = one_time_password(session, otp)?;
            let new = NewCoinWithdrawal { amount, to_address: address, label };
            let list =
                async || Ok(listed(client.coin_withdrawals(None).await?.iter().map(coin_row).collect()));
            let details = json!({ "amount": amount.to_string(), "to": new.to_address, "label": new.label });
            let about = New {
                what: "withdrawal",
                words: &format!("the withdrawal of {amount} to {}", new.to_address),
                details,
            };
            let made =
                create(session, about, list, async || client.withdraw_coins(&new, &password).await).await?;
            session.out.show("withdrawal", &made, || {
                format!("withdrawal {} of {} to {}: {}\n", made.id, made.amount, made.to_address, made.status)
            })
        }
        Target::Instruction(id) => {
            let instruction = client.withdrawal_instruction(id).await?;
            let to = summary(&instruction);
            confirm(session, &format!("withdraw {amount} to {to}"), consent)?;
            let password = one_time_password(session, otp)?;
            let list =
                async || Ok(listed(client.cash_withdrawals(None).await?.iter().map(cash_row).collect()));
            let details = json!({ "amount": amount.to_string(), "instruction": id });
            let about =
                New { what: "withdrawal", words: &format!("the withdrawal of {amount} to {to}"), details };
            let send = async || client.withdraw_cash(amount, id, &password).await;
            let made = create(session, about, list, send).await?;
            session.out.show("withdrawal", &made, || {
                format!("withdrawal {} of {} to {to}: {}\n", made.id, made.amount, made.status)
            })
        }
    }
}
