//! Making own orders recognisable on a venue without client order ids.

use pampero_model::{Price, Side};

/// Moves the price of each order by a few units of 1e-8 toward its passive side, a different number each time,
/// so that an order whose placement got no answer can be told from all others by its price.
///
/// The counter must survive restarts. Where a market spares no digits its span is zero and prices stay.
///
/// ```
/// use pampero_engine::Fingerprint;
/// use pampero_model::Side;
/// let mut fingerprint = Fingerprint::default();
/// let price = "100".parse()?;
/// assert_eq!(fingerprint.mark(price, Side::Buy, 9).to_string(), "99.99999999");
/// assert_eq!(fingerprint.mark(price, Side::Sell, 9).to_string(), "100.00000002");
/// assert_eq!(fingerprint.mark(price, Side::Buy, 0), price);
/// # Ok::<(), pampero_model::ParseAmountError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fingerprint {
    counter: u64,
}

impl Fingerprint {
    /// Takes up a counter that was saved.
    pub const fn from_counter(counter: u64) -> Self {
        Self { counter }
    }

    /// The counter to save.
    pub const fn counter(self) -> u64 {
        self.counter
    }

    /// The price to send for a desired price. `span` is the greatest shift in units of 1e-8.
    pub fn mark(&mut self, price: Price, side: Side, span: u32) -> Price {
        if span == 0 {
            return price;
        }
        self.counter = self.counter.wrapping_add(1);
        let shift = self.counter % (u64::from(span) + 1);
        // At most `span`, which fits.
        let shift = Price::from_units(i64::try_from(shift).unwrap_or(0));
        match side {
            Side::Buy if price > shift => price.saturating_sub(shift),
            Side::Buy => price,
            Side::Sell => price.saturating_add(shift),
        }
    }
}
