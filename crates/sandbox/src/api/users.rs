//! Users and their webhooks.

use crate::clock::epoch;
use crate::json::{Json, object};
use crate::server::call::Call;
use crate::server::reply::{Refusal, Reply, data, list, resource};
use crate::world::{User, Webhook, World};

type Answer = Result<Reply, Refusal>;

pub fn user_document(user: &User) -> Json {
    let webhook = user.webhook.as_ref().map_or(Json::Null, |webhook| Json::text(&webhook.url));
    let attributes = object! {
        "name": Json::text(&user.name),
        "email": Json::text(&user.email),
        "kyc_accepted": true.into(),
        "otp_enabled": true.into(),
        "do_not_email": false.into(),
        "trezor_login_enabled": false.into(),
        "webhook_url": webhook,
    };
    resource(user.id, "users", attributes)
}

/// Whether somebody may see and change a user: itself, and who created it.
fn is_own(caller: &User, user: &User) -> bool {
    user.id == caller.id || user.parent == Some(caller.id)
}

pub fn users(world: &mut World, call: &Call) -> Answer {
    let caller = call.user()?;
    let own = world.tables.users.iter().filter(|user| is_own(caller, user));
    Ok(list(own.map(user_document).collect()))
}

/// `me` or a number.
fn find(world: &World, call: &Call) -> Result<User, Refusal> {
    let caller = call.user()?;
    if call.id() == "me" {
        return Ok(caller.clone());
    }
    let user = world.user(call.number()?).filter(|user| is_own(caller, user));
    user.cloned().ok_or(Refusal::Missing)
}

pub fn user(world: &mut World, call: &Call) -> Answer {
    find(world, call).map(|user| data(user_document(&user)))
}

/// Master users create the users they act for.
pub fn create_user(world: &mut World, call: &Call) -> Answer {
    let caller = call.user()?;
    if !caller.master {
        return Err(Refusal::NoPermission);
    }
    let name = call.text("email").unwrap_or_else(|| "user@example.com".to_owned());
    let id = world.add_user(&name, Some(caller.id));
    world.user(id).map(|user| data(user_document(user))).ok_or(Refusal::Missing)
}

/// Of what a user may change, only the webhook means anything here.
pub fn update_user(world: &mut World, call: &Call) -> Answer {
    let found = find(world, call)?;
    if let Some(url) = call.text("webhook_url") {
        set_webhook(world, found.id, url);
    }
    Ok(data(user_document(world.user(found.id).unwrap_or(&found))))
}

fn set_webhook(world: &mut World, user: u64, url: String) -> i64 {
    let id = epoch(world.now());
    if let Some(user) = world.user_mut(user) {
        user.webhook = Some(Webhook { id, url });
    }
    id
}

fn webhook_document(webhook: &Webhook) -> Json {
    resource(webhook.id, "webhooks", object! { "url": Json::text(&webhook.url) })
}

/// One object, not a list.
pub fn webhook(world: &mut World, call: &Call) -> Answer {
    let webhook = world.user(call.user()?.id).and_then(|user| user.webhook.as_ref());
    Ok(data(webhook.map_or(Json::Null, webhook_document)))
}

pub fn create_webhook(world: &mut World, call: &Call) -> Answer {
    let url = call.text("url").ok_or_else(|| super::blank("webhooks", "url"))?;
    let id = set_webhook(world, call.user()?.id, url.clone());
    Ok(data(webhook_document(&Webhook { id, url })))
}
