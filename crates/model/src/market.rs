//! Markets, the venues they belong to, and the rules of each.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{ArithmeticError, Cash, Currency, Price, Quantity, Rate, Rounding, Side, Size};

/// Index of a market in [`Markets`].
///
/// ```
/// use pampero_model::MarketId;
/// assert_eq!(MarketId(3).index(), 3);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MarketId(pub u16);

impl MarketId {
    /// The index as a position in an array.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// Index of a venue in [`Markets`].
///
/// ```
/// use pampero_model::VenueId;
/// assert_eq!(VenueId(1).index(), 1);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct VenueId(pub u8);

impl VenueId {
    /// The index as a position in an array.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// The unit in which a venue counts the size of an order.
///
/// ```
/// use pampero_model::{Market, Side, SizeUnit};
/// let market = Market::new("bitex", "btc_ars")?;
/// assert_eq!(market.size_unit(Side::Sell), SizeUnit::Base);
/// # Ok::<(), pampero_model::MarketError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SizeUnit {
    /// The base currency.
    Base,
    /// The quote currency.
    Quote,
}

/// A trading pair at a venue, with the venue's rules for it.
///
/// ```
/// use pampero_model::{Market, Side, SizeUnit};
/// let market = Market::new("bitex", "btc_usd")?;
/// assert_eq!((market.base.code(), market.quote.code()), ("btc", "usd"));
/// assert_eq!(market.size_unit(Side::Buy), SizeUnit::Quote);
/// # Ok::<(), pampero_model::MarketError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Market {
    /// Name of the venue, such as `bitex`.
    pub venue: String,
    /// The venue's code of the pair, such as `btc_usd`.
    pub code: String,
    /// What is traded.
    pub base: Currency,
    /// What it is priced in.
    pub quote: Currency,
    /// Decimals the venue prints of the base currency. Display only.
    pub base_decimals: u8,
    /// Decimals the venue prints of the quote currency. Display only.
    pub quote_decimals: u8,
    /// Prices are multiples of this.
    pub price_tick: Price,
    /// Base sizes are multiples of this.
    pub quantity_step: Quantity,
    /// Smallest order sized in base.
    pub min_base: Quantity,
    /// Smallest order sized in quote.
    pub min_quote: Cash,
    /// Unit of the size of a buy. Bitex: quote ("spend up to").
    pub buy_unit: SizeUnit,
    /// Unit of the size of a sell. Bitex: base.
    pub sell_unit: SizeUnit,
    /// Fee of an execution that rested on the book, as a share of what is received.
    pub maker_fee: Rate,
    /// Fee of an execution that took from the book, as a share of what is received.
    pub taker_fee: Rate,
    /// How many units of 1e-8, less one, the price of an order may be moved toward its passive side to make
    /// it recognisable; zero leaves prices alone. See the engine's fingerprint.
    pub fingerprint_span: u32,
}

/// A market that cannot be defined or found.
///
/// ```
/// use pampero_model::{Market, MarketError};
/// let error = Market::new("bitex", "btcusd").unwrap_err();
/// assert_eq!(error, MarketError::Code("btcusd".to_owned()));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum MarketError {
    /// The code is not `base_quote`.
    #[error("`{0}` is not a market code (expected two currency codes joined by `_`, such as `btc_usd`)")]
    Code(String),
    /// The table holds a market of that venue and code already.
    #[error("market `{code}` of venue `{venue}` is defined twice")]
    Duplicate {
        /// The venue.
        venue: String,
        /// The market.
        code: String,
    },
    /// More markets or venues than an id can number.
    #[error("too many markets or venues")]
    TooMany,
}

impl Market {
    /// A market with Bitex's rules: buys sized in quote, sells in base, steps of 1e-8, a fee of 0.25 % either
    /// way, at least 0.0001 base or 0.1 quote, no fingerprint.
    pub fn new(venue: &str, code: &str) -> Result<Self, MarketError> {
        let error = || MarketError::Code(code.to_owned());
        let (base, quote) = code.split_once('_').ok_or_else(error)?;
        Ok(Self {
            venue: venue.to_owned(),
            code: code.to_owned(),
            base: base.parse().map_err(|_| error())?,
            quote: quote.parse().map_err(|_| error())?,
            base_decimals: 8,
            quote_decimals: 2,
            price_tick: Price::UNIT,
            quantity_step: Quantity::UNIT,
            min_base: Quantity::from_units(10_000),
            min_quote: Cash::from_units(10_000_000),
            buy_unit: SizeUnit::Quote,
            sell_unit: SizeUnit::Base,
            maker_fee: Rate::from_units(250_000),
            taker_fee: Rate::from_units(250_000),
            fingerprint_span: 0,
        })
    }

    /// The unit in which an order of a side is sized.
    pub const fn size_unit(&self, side: Side) -> SizeUnit {
        match side {
            Side::Buy => self.buy_unit,
            Side::Sell => self.sell_unit,
        }
    }

    /// The currency an order of a side spends.
    pub const fn spends(&self, side: Side) -> Currency {
        match side {
            Side::Buy => self.quote,
            Side::Sell => self.base,
        }
    }

    /// The currency an order of a side receives, in which its fee is taken.
    pub const fn receives(&self, side: Side) -> Currency {
        self.spends(side.opposite())
    }

    /// The size of an order over `quantity` in the unit in which a side is counted; in quote, what it costs at `price`,
    /// rounded down.
    ///
    /// ```
    /// use pampero_model::{Market, Side, Size};
    /// let market = Market::new("bitex", "btc_usd")?;
    /// let size = |side| market.size_of(side, "0.5".parse().unwrap(), "4000".parse().unwrap());
    /// assert_eq!(size(Side::Buy)?.to_string(), "2000 quote");
    /// assert_eq!(size(Side::Sell)?.to_string(), "0.5 base");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn size_of(&self, side: Side, quantity: Quantity, price: Price) -> Result<Size, ArithmeticError> {
        match self.size_unit(side) {
            SizeUnit::Base => Ok(Size::Base(quantity)),
            SizeUnit::Quote => price.notional(quantity, Rounding::Down).map(Size::Quote),
        }
    }

    /// The size of an order worth `worth` at `price`, in the unit in which a side is counted; base in whole steps.
    ///
    /// ```
    /// use pampero_model::{Market, Side};
    /// let market = Market { quantity_step: "0.001".parse()?, ..Market::new("bitex", "btc_usd")? };
    /// let size = |side| market.size_worth(side, "100".parse().unwrap(), "3000".parse().unwrap());
    /// assert_eq!(size(Side::Buy)?.to_string(), "100 quote");
    /// assert_eq!(size(Side::Sell)?.to_string(), "0.033 base");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn size_worth(&self, side: Side, worth: Cash, price: Price) -> Result<Size, ArithmeticError> {
        match self.size_unit(side) {
            SizeUnit::Base => {
                let quantity = worth.quantity_at(price, Rounding::Down)?;
                Ok(Size::Base(quantity.truncate_to(self.quantity_step)))
            }
            SizeUnit::Quote => Ok(Size::Quote(worth)),
        }
    }

    /// Whether both markets take their base from one account: what is bought here can be sold there at once.
    ///
    /// ```
    /// use pampero_model::Market;
    /// let market = |code| Market::new("bitex", code).unwrap();
    /// assert!(market("btc_usd").shares_base_with(&market("btc_ars")));
    /// assert!(!market("btc_usd").shares_base_with(&market("bch_usd")));
    /// ```
    pub fn shares_base_with(&self, other: &Self) -> bool {
        self.venue == other.venue && self.base == other.base
    }

    /// A price on the market's ticks, rounded toward the passive side: a buy down, a sell up.
    ///
    /// ```
    /// use pampero_model::{Market, Side};
    /// let market = Market { price_tick: "0.5".parse()?, ..Market::new("bitex", "btc_usd")? };
    /// assert_eq!(market.to_tick(Side::Buy, "100.7".parse()?).to_string(), "100.5");
    /// assert_eq!(market.to_tick(Side::Sell, "100.7".parse()?).to_string(), "101");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn to_tick(&self, side: Side, price: Price) -> Price {
        let down = price.truncate_to(self.price_tick);
        if side == Side::Sell && down < price { down.saturating_add(self.price_tick) } else { down }
    }

    /// Whether a size is below the venue's minimum.
    pub fn is_too_small(&self, size: Size) -> bool {
        match size {
            Size::Base(quantity) => quantity < self.min_base,
            Size::Quote(cash) => cash < self.min_quote,
        }
    }
}

/// Every market of a run, each with its venue. Order is that of insertion and decides ids.
///
/// ```
/// use pampero_model::{Market, Markets};
/// let mut markets = Markets::default();
/// let id = markets.insert(Market::new("bitex", "btc_ars")?)?;
/// assert_eq!(markets.find("btc_ars"), Some(id));
/// assert_eq!(markets.find("bitex:btc_ars"), Some(id));
/// # Ok::<(), pampero_model::MarketError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Markets {
    markets: Vec<(VenueId, Market)>,
    venues: Vec<String>,
}

impl Markets {
    /// Adds a market and gives its id.
    pub fn insert(&mut self, market: Market) -> Result<MarketId, MarketError> {
        let known =
            self.markets.iter().any(|(_, other)| other.venue == market.venue && other.code == market.code);
        if known {
            return Err(MarketError::Duplicate { venue: market.venue, code: market.code });
        }
        let id = u16::try_from(self.markets.len()).map(MarketId).map_err(|_| MarketError::TooMany)?;
        let position = self.venues.iter().position(|venue| *venue == market.venue);
        let venue = u8::try_from(position.unwrap_or(self.venues.len())).map_err(|_| MarketError::TooMany)?;
        if position.is_none() {
            self.venues.push(market.venue.clone());
        }
        self.markets.push((VenueId(venue), market));
        Ok(id)
    }

    /// A market by id.
    pub fn get(&self, id: MarketId) -> Option<&Market> {
        self.markets.get(id.index()).map(|(_, market)| market)
    }

    /// The venue of a market.
    pub fn venue_of(&self, id: MarketId) -> Option<VenueId> {
        self.markets.get(id.index()).map(|(venue, _)| *venue)
    }

    /// The name of a venue.
    pub fn venue_name(&self, id: VenueId) -> Option<&str> {
        self.venues.get(id.index()).map(String::as_str)
    }

    /// The id of `code`, or of `venue:code` where two venues have a market of that code. The first match wins.
    pub fn find(&self, name: &str) -> Option<MarketId> {
        let (venue, code) = match name.split_once(':') {
            Some((venue, code)) => (Some(venue), code),
            None => (None, name),
        };
        self.iter()
            .find(|(_, market)| market.code == code && venue.is_none_or(|venue| market.venue == venue))
            .map(|(id, _)| id)
    }

    /// Every market with its id.
    pub fn iter(&self) -> impl Iterator<Item = (MarketId, &Market)> {
        (0..=u16::MAX).map(MarketId).zip(self.markets.iter().map(|(_, market)| market))
    }

    /// Every venue with its name.
    pub fn venues(&self) -> impl Iterator<Item = (VenueId, &str)> {
        (0..=u8::MAX).map(VenueId).zip(self.venues.iter().map(String::as_str))
    }

    /// How many markets there are.
    pub fn len(&self) -> usize {
        self.markets.len()
    }

    /// Whether there is no market.
    pub fn is_empty(&self) -> bool {
        self.markets.is_empty()
    }
}
