//! Reading the exchange's documents without a connection: recordings, benches, fuzzing.
//!
//! ```
//! let body = br#"{"data":{"id":"70","type":"transactions","attributes":{"timestamp":1542807208,"price":124,
//!     "amount":0.07064516,"orderbook_code":"btc_usd"}}}"#;
//! let transaction: pampero_bitex::Transaction = pampero_bitex::decode::one(body)?;
//! assert_eq!(transaction.trade.quantity.to_string(), "0.07064516");
//! # Ok::<(), pampero_exchange::Error>(())
//! ```

use pampero_exchange::Error;

use crate::classify::Answer;
use crate::document::{self, FromResource};

/// Whatever the exchange describes in a document: [`Ticker`](crate::Ticker), `VenueOrder`, `MarketSnapshot`, …
#[allow(private_bounds)] // the seal: how a resource is read is nobody else's business
pub trait Readable: FromResource {}

impl<T: FromResource> Readable for T {}

/// A document about one thing.
pub fn one<T: Readable>(body: &[u8]) -> Result<T, Error> {
    document::one(body)
}

/// A document about many things.
pub fn many<T: Readable>(body: &[u8]) -> Result<Vec<T>, Error> {
    document::many(body)
}

/// What an answer other than success means for a read.
pub fn refusal(status: u16, body: &[u8]) -> Error {
    Answer { status, retry_after: None, date: None, body: body.to_vec() }.refusal(false)
}
