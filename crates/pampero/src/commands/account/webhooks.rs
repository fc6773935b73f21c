//! `pampero webhooks`: where events are sent, and receiving them.

use pampero_bitex::{ApiKey, KeyName};
use pampero_exchange::Error;
use serde_json::json;

use super::orders::repeat;
use super::seen::Seen;
use super::{Session, listen, run, show};
use crate::cli::account::WebhooksCommand;
use crate::error::Failure;

/// Shows, sets or receives.
pub(super) fn webhooks(command: WebhooksCommand) -> Result<(), Failure> {
    match command {
        WebhooksCommand::Show { connect } => run(&connect, shown),
        WebhooksCommand::Set { url, connect } => run(&connect, async |session: &Session| {
            // A key that only reads may not do this.
            let client = session.connection.client(KeyName::Funds)?;
            let webhook = repeat(async || client.set_webhook(&url).await).await?;
            session.out.show("webhook", &webhook, || format!("events go to {}\n", show::plain(&webhook.url)))
        }),
        WebhooksCommand::Listen { listen: address, count, connect } => {
            run(&connect, async |session: &Session| {
                let keys: Result<Vec<ApiKey>, Failure> = session
                    .connection
                    .keys
                    .names()
                    .map(|name| session.connection.keys.load_one(name, &session.connection.environment))
                    .collect();
                let mut keys = keys?;
                if keys.is_empty() {
                    // Says where keys are looked for.
                    keys.push(
                        session.connection.keys.load(KeyName::Read, None, &session.connection.environment)?.1,
                    );
                }
                let seen = Seen::of(&session.connection.state)?;
                listen::listen(session.out, address, keys, seen, count).await
            })
        }
    }
}

/// The address stands with the user since 2020, and before under a path of its own.
async fn shown(session: &Session) -> Result<(), Failure> {
    let client = session.connection.client(KeyName::Read)?;
    let mut url = client.me().await?.webhook_url;
    if url.is_none() {
        url = match client.webhook().await {
            Ok(webhook) => Some(webhook.url),
            // That nothing is set has no form of its own: null in place of the object.
            Err(Error::Malformed(_) | Error::NotFound(_)) => None,
            Err(error) => return Err(error.into()),
        };
    }
    let url = url.filter(|url| !url.is_empty());
    session.out.show("webhook", &json!({ "url": url }), || match &url {
        Some(url) => format!("events go to {}\n", show::plain(url)),
        None => "events go nowhere: `pampero webhooks set URL` says where\n".to_owned(),
    })
}
