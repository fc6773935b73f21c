//! The chain of checks: each record's check covers the record and its predecessor's check.

use pampero_model::Timestamp;

use super::{NewSession, SessionId};

/// Eight bytes of BLAKE3: against damage, not against an attacker, who could write the whole chain anew.
pub(super) type Check = [u8; 8];

pub(super) fn first_bytes(hash: &blake3::Hash) -> Check {
    let mut check = Check::default();
    for (to, from) in check.iter_mut().zip(hash.as_bytes()) {
        *to = *from;
    }
    check
}

/// Where the chain of a session begins: with what the session says of itself.
pub(super) fn begin(id: SessionId, about: &NewSession) -> Check {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&id.0.to_le_bytes());
    hasher.update(&about.started_at.as_nanos().to_le_bytes());
    let NewSession { environment, mode, account, strategies, config, config_hash, build, started_at: _ } =
        about;
    for text in [environment, mode, account, strategies, config, config_hash, build] {
        hasher.update(&u64::try_from(text.len()).unwrap_or(u64::MAX).to_le_bytes());
        hasher.update(text.as_bytes());
    }
    first_bytes(&hasher.finalize())
}

pub(super) fn next(previous: Check, seq: u64, time: Timestamp, kind: u8, payload: &[u8]) -> Check {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&previous);
    hasher.update(&seq.to_le_bytes());
    hasher.update(&time.as_nanos().to_le_bytes());
    hasher.update(&[kind]);
    hasher.update(payload);
    first_bytes(&hasher.finalize())
}

/// The check of a checkpoint, which hangs on the record before it.
pub(super) fn of_checkpoint(previous: Check, seq: u64, version: u32, payload: &[u8]) -> Check {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"checkpoint");
    hasher.update(&previous);
    hasher.update(&seq.to_le_bytes());
    hasher.update(&version.to_le_bytes());
    hasher.update(payload);
    first_bytes(&hasher.finalize())
}
