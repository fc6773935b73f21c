//! Market data by polling: what is asked when, and what of an answer is news.
//!
//! * [`Desk`] decides, without a clock, a network or a thread: which market is asked next, which trades of an answer
//!   were not told before, whether some are missing, which candles are complete, whether the data is stale.
//! * [`run`] carries the desk's polls out and sends what they bring; [`warm_up`] fetches the history that a strategy
//!   wants first.
//! * [`record`] and [`fetch`] fill the catalogue, without a key.
//! * [`read_rates`] and [`watch_rates`] tell the worth of a currency from outside the markets.
//!
//! # What is told, and what is not
//!
//! * **Trades**: each once, by id, oldest first. The exchange's answers reach back an hour, or up to a day where more is
//!   asked for: an answer that shows no trade known before, and does not reach back to the last good one, makes the
//!   desk ask farther back before it tells anything; what cannot be had any more is a [`News::Gap`].
//! * **Books**: every good answer tells a book, the same one again if nothing changed, so that the engine's age of a
//!   book is the time since the last good answer. Own orders are taken out. A crossed, empty or one-sided book is
//!   told as it is.
//! * **Candles** are made of the trades, by the aggregator that history is resampled with. A bucket closes by time,
//!   once an answer that was asked for after its end has brought all of its trades. Buckets without trades are left
//!   out, as the exchange does; so are buckets of which a part was not seen.
//! * **Silence**: [`News::Stale`] when no good answer came for a while. A failed answer is no information.

mod candles;
mod desk;
mod fetch;
mod news;
mod pace;
mod rates;
mod record;
mod run;
mod tape;
mod warm_up;

pub use desk::{Ask, Desk, FeedSettings, Poll, Watch};
pub use fetch::{FetchError, FetchSettings, Fetched, fetch};
pub use news::{News, OwnOrder, Standing, own_orders};
pub use rates::{RateError, RateMessage, RatePlace, RateSource, read_rates, watch_rates};
pub use record::{RecordError, RecordProgress, RecordSettings, RecordSummary, record};
pub use run::{Clock, FeedMessage, RequestTimes, run, wall_clock};
pub use warm_up::{History, SpanHistory, warm_up};
