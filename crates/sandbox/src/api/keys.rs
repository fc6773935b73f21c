//! API keys.

use crate::json::{Json, object};
use crate::server::call::Call;
use crate::server::reply::{Refusal, Reply, data, list, resource};
use crate::world::{ApiKey, Grant, PERMISSIONS, World};

type Answer = Result<Reply, Refusal>;

fn key_document(world: &World, key: &ApiKey) -> Json {
    let token = Json::text(key.shown(world.now()));
    let attributes = match &key.grant {
        Grant::Write(write) => object! { "write": (*write).into(), "token": token },
        Grant::Eight(granted) => {
            let mut pairs = vec![("token", token)];
            pairs
                .extend(PERMISSIONS.iter().zip(granted).map(|(name, granted)| (*name, Json::Bool(*granted))));
            Json::Object(pairs)
        }
    };
    resource(key.id, "api_keys", attributes)
}

pub fn keys(world: &mut World, call: &Call) -> Answer {
    let user = call.user()?.id;
    let own = world.tables.keys.iter().filter(|key| key.user == user && !key.revoked);
    Ok(list(own.map(|key| key_document(world, key)).collect()))
}

fn find<'a>(world: &'a World, call: &Call) -> Result<&'a ApiKey, Refusal> {
    let (user, id) = (call.user()?.id, call.number()?);
    let own = |key: &&ApiKey| key.user == user && key.id == id && !key.revoked;
    world.tables.keys.iter().find(own).ok_or(Refusal::Missing)
}

pub fn key(world: &mut World, call: &Call) -> Answer {
    find(world, call).map(|key| data(key_document(world, key)))
}

/// With `write`, a key of the old kind; otherwise one with the permissions that are true.
pub fn create_key(world: &mut World, call: &Call) -> Answer {
    let grant = match call.flag("write") {
        Some(write) => Grant::Write(write),
        None => Grant::Eight(PERMISSIONS.map(|name| call.flag(name).unwrap_or(false))),
    };
    let id = world.add_key(call.user()?.id, grant, None);
    let key = world.tables.keys.iter().find(|key| key.id == id).ok_or(Refusal::Missing)?;
    Ok(Reply::Created(object! { "data": key_document(world, key) }))
}

/// It stops working at once.
pub fn revoke_key(world: &mut World, call: &Call) -> Answer {
    let id = find(world, call)?.id;
    if let Some(key) = world.tables.keys.iter_mut().find(|key| key.id == id) {
        key.revoked = true;
    }
    Ok(Reply::Nothing)
}
