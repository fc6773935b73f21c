//! `pampero bots`: the exchange's own trading bots.

use pampero_bitex::{Bot, KeyName};
use pampero_model::{Side, Size};
use serde_json::json;

use super::confirm::confirm;
use super::create::{New, create};
use super::funding::candidate;
use super::orders::repeat;
use super::{Session, run, show};
use crate::cli::account::{BotsCommand, OrderKey};
use crate::error::Failure;

/// Lists, starts and ends bots.
pub(super) fn bots(command: BotsCommand) -> Result<(), Failure> {
    match command {
        BotsCommand::List { connect } => run(&connect, list),
        BotsCommand::Create { market, spend, amount, consent, connect } => {
            run(&connect, async |session: &Session| {
                let size = match (spend, amount) {
                    (Some(cash), _) => Size::Quote(cash),
                    (None, amount) => Size::Base(amount.unwrap_or_default()),
                };
                let side = if spend.is_some() { Side::Buy } else { Side::Sell };
                let client = session.connection.client(KeyName::Trade)?;
                let words = format!("a bot on {market} that {}s {}", side, show::size(size, &market));
                let warning = "no risk gate, no halt and no limit of yours applies to it";
                confirm(session, &format!("start {words} ({warning})"), consent)?;
                let list = async || {
                    let bots = client.bots(side).await?;
                    Ok(bots.iter().map(|bot| candidate(&bot.id.to_string(), line(bot), bot)).collect())
                };
                let details = json!({ "market": market, "side": side, "amount": show::number(size) });
                let about = New { what: "bot", words: &words, details };
                let bot =
                    create(session, about, list, async || client.create_bot(&market, size).await).await?;
                session.out.show("bot", &bot, || line(&bot) + "\n")
            })
        }
        BotsCommand::Cancel { id, connect } => run(&connect, async |session: &Session| {
            let client = session.connection.client(KeyName::Trade)?;
            repeat(async || client.cancel_bot(id.side, id.id.0).await).await?;
            let bot = repeat(async || client.bot(id.side, id.id.0).await).await?;
            session.out.show("bot", &bot, || line(&bot) + "\n")
        }),
    }
}

async fn list(session: &Session) -> Result<(), Failure> {
    let client = session.connection.client(KeyName::Trade)?;
    let mut bots = client.bots(Side::Buy).await?;
    bots.extend(client.bots(Side::Sell).await?);
    session.out.show("bots", &bots, || {
        let rows: Vec<Vec<String>> = bots
            .iter()
            .map(|bot| {
                vec![
                    key(bot).to_string(),
                    bot.market.clone(),
                    show::size(bot.amount, &bot.market),
                    show::number(bot.remaining),
                    show::number(bot.chunk),
                    status(bot),
                ]
            })
            .collect();
        show::table_or(&["bot", "market", ">amount", ">left", ">chunk", "status"], &rows, "no bots")
    })
}

const fn key(bot: &Bot) -> OrderKey {
    OrderKey { side: bot.side, id: pampero_model::VenueOrderId(bot.id) }
}

fn status(bot: &Bot) -> String {
    match (bot.executing, bot.to_cancel, &bot.exit_status) {
        (_, _, Some(why)) if !why.is_empty() => format!("ended: {}", show::plain(why)),
        (true, true, _) => "ending".to_owned(),
        (true, false, _) => "at work".to_owned(),
        (false, true, _) => "cancelled".to_owned(),
        (false, false, _) => "done".to_owned(),
    }
}

fn line(bot: &Bot) -> String {
    let size = |size| show::size(size, &bot.market);
    format!(
        "bot {} on {}: {}, {} left, {}",
        key(bot),
        bot.market,
        size(bot.amount),
        size(bot.remaining),
        status(bot)
    )
}
