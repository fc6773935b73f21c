//! What the exchange sends: documents, errors, events.

use std::sync::LazyLock;

use pampero_bitex::decode::{Readable, many, one, refusal};
use pampero_bitex::{
    Account, ApiKey, Bot, CashDeposit, CashWallet, CashWithdrawal, CoinAddress, CoinDeposit, CoinWallet,
    CoinWithdrawal, DepositInstructions, Environment, Event, KeyRecord, Orderbook, Payment, PointOfSale,
    Ticker, Transaction, User, Webhook, WebhookVerifier, WithdrawalInstruction,
};
use pampero_exchange::{Error, MarketSnapshot, Movement, VenueCandle, VenueFill, VenueOrder};

const READERS: [fn(&[u8]) -> bool; 25] = [
    reads::<Account>,
    reads::<Bot>,
    reads::<CashDeposit>,
    reads::<CashWallet>,
    reads::<CashWithdrawal>,
    reads::<CoinAddress>,
    reads::<CoinDeposit>,
    reads::<CoinWallet>,
    reads::<CoinWithdrawal>,
    reads::<DepositInstructions>,
    reads::<Event>,
    reads::<KeyRecord>,
    reads::<MarketSnapshot>,
    reads::<Movement>,
    reads::<Orderbook>,
    reads::<Payment>,
    reads::<PointOfSale>,
    reads::<Ticker>,
    reads::<Transaction>,
    reads::<User>,
    reads::<VenueCandle>,
    reads::<VenueFill>,
    reads::<VenueOrder>,
    reads::<Webhook>,
    reads::<WithdrawalInstruction>,
];

/// The first byte of an input chooses the reader; the rest is the document.
pub(super) fn documents(input: &[u8]) {
    let Some((choice, body)) = input.split_first() else { return };
    if let Some(reads) = READERS.get(usize::from(*choice) % READERS.len()) {
        reads(body);
    }
}

/// The first byte of the inputs of `documents` for a body, if a reader takes it.
pub fn reader_of(body: &[u8]) -> Option<u8> {
    READERS.iter().position(|reads| reads(body)).and_then(|at| u8::try_from(at).ok())
}

/// Reads a body as one thing and as many; says whether it could be read.
fn reads<T: Readable>(body: &[u8]) -> bool {
    let errors = [one::<T>(body).err(), many::<T>(body).err()];
    for error in errors.iter().flatten() {
        assert!(matches!(error, Error::Malformed(_)), "{error:?}");
        assert_presentable(error);
    }
    errors.iter().any(Option::is_none)
}

/// Two bytes of status and a body.
pub(super) fn errors(input: &[u8]) {
    let [high, low, body @ ..] = input else { return };
    let status = 300 + u16::from_be_bytes([*high, *low]) % 400;
    assert_presentable(&refusal(status, body));
}

const TOKEN: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// A body as an event and as a report of a payment; the first 64 bytes also as the header.
pub(super) fn webhooks(input: &[u8]) {
    static KEY: LazyLock<Option<ApiKey>> =
        LazyLock::new(|| ApiKey::new(TOKEN.into(), &Environment::Sandbox).ok());
    // SHA-256 of the token.
    const HEADER: &str = "d3facc8a61d205c90d339ff6caea3098e076f4b2fb25ebf1cc0d6becafab7fa0";
    let Some(key) = KEY.as_ref() else { return };
    let verifier = WebhookVerifier::new(key);
    let head = input.get(..64).unwrap_or(input);
    let accepted = verifier.verify(&String::from_utf8_lossy(head));
    assert!(
        !accepted || head.eq_ignore_ascii_case(HEADER.as_bytes()),
        "a header of somebody else is accepted"
    );
    for error in
        [verifier.receive(HEADER, input).err(), Payment::from_callback(input, key).err()].iter().flatten()
    {
        assert!(matches!(error, Error::Malformed(_) | Error::Unauthorized(_)), "{error:?}");
        assert_presentable(error);
    }
}

/// Errors are short, without control characters, and without anything as long as a key.
pub(super) fn assert_presentable(error: &Error) {
    let text = error.to_string();
    assert!(text.chars().count() <= 600, "{text}");
    assert!(!text.chars().any(char::is_control), "{text:?}");
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric());
    let key =
        words.into_iter().find(|word| word.len() >= 20 && word.bytes().any(|byte| byte.is_ascii_digit()));
    assert!(key.is_none(), "{text}");
}
