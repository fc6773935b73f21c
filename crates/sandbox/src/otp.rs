//! One-time passwords (RFC 6238: SHA-1, six digits, thirty seconds).

use pampero_model::Timestamp;
use totp_rs::{Builder, Secret, Totp};

use crate::clock::epoch;

fn totp(secret: &str) -> Option<Totp> {
    let secret = Secret::try_from_base32(secret).ok()?;
    Builder::new().with_secret(secret).build().ok()
}

fn seconds(at: Timestamp) -> u64 {
    u64::try_from(epoch(at)).unwrap_or(0)
}

/// Whether a code is that of now, or of the thirty seconds before or after. Used codes stay valid: one client sends
/// the last one with every later call.
pub fn is_valid(secret: &str, code: &str, now: Timestamp) -> bool {
    totp(secret).is_some_and(|totp| totp.check(code.trim(), seconds(now)).is_some())
}

/// The code of an instant for a secret in base32; nothing if that is no secret of at least 16 bytes.
///
/// ```
/// let code = pampero_sandbox::one_time_password("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", pampero_model::Timestamp::from_secs(59));
/// assert_eq!(code.as_deref(), Some("287082"));
/// ```
pub fn one_time_password(secret: &str, at: Timestamp) -> Option<String> {
    totp(secret).map(|totp| totp.generate(seconds(at)).to_string())
}

/// A secret made of twenty bytes, in base32.
pub fn secret_of(bytes: [u8; 20]) -> String {
    Secret::from(bytes).to_base32()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_the_standard_and_of_the_neighbouring_steps_are_valid() {
        let secret = secret_of(*b"12345678901234567890");
        let at = Timestamp::from_secs(1_111_111_109);
        assert_eq!(one_time_password(&secret, at).as_deref(), Some("081804"));
        for (shift, valid) in [(0, true), (30, true), (-30, true), (90, false), (-90, false)] {
            let now = Timestamp::from_secs(1_111_111_109 + shift);
            assert_eq!(is_valid(&secret, "081804", now), valid, "{shift}");
        }
        assert!(!is_valid(&secret, "", at));
        assert!(!is_valid("not base32!", "081804", at));
    }
}
