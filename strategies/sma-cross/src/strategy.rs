//! The decisions.

use pampero_engine::{
    Context, Goal, OrderEvent, Reason, Requirements, RestoreError, RoundTrip, Strategy, restore_state,
    save_state,
};
use pampero_indicators::{Indicator, Sma};
use pampero_model::{Candle, MarketId, Price, Rounding, Timestamp};

use crate::params::SmaCrossParams;

/// Version of the saved state: both lengths u32, the open time of the last candle, above u8 (0 no, 1 yes, 2 not known),
/// the goal, then the last closes, oldest first, at most `slow` of them.
const STATE_VERSION: u32 = 1;
type State = (u32, u32, Timestamp, u8, Goal, Vec<Price>);

/// The moving-average crossover. See the [crate's documentation](crate).
#[derive(Clone, Debug)]
pub struct SmaCross {
    market: MarketId,
    params: SmaCrossParams,
    fast: Sma,
    slow: Sma,
    /// Whether fast was above slow at the last close; nothing before both were warm.
    above: Option<bool>,
    trip: RoundTrip,
    /// When the last candle opened: one that comes again is not counted again.
    last_candle: Timestamp,
}

impl SmaCross {
    /// Trades `market`. An error says which parameter is wrong.
    ///
    /// ```
    /// use pampero_model::MarketId;
    /// use pampero_sma_cross::{SmaCross, SmaCrossParams};
    /// assert!(SmaCross::new(MarketId(0), SmaCrossParams::default()).is_ok());
    /// ```
    pub fn new(market: MarketId, params: SmaCrossParams) -> Result<Self, String> {
        params.validate()?;
        Ok(Self {
            market,
            fast: Sma::new(params.fast),
            slow: Sma::new(params.slow),
            above: None,
            trip: RoundTrip::new(market, params.allocation),
            params,
            last_candle: Timestamp::MIN,
        })
    }

    /// A cross, or a goal that is not reached yet.
    #[cold]
    fn decide(&mut self, ctx: &mut Context<'_>, above: bool, before: Option<bool>) {
        match before {
            Some(before) if before == above => {}
            Some(_) if above => self.trip.enter(),
            Some(_) => self.trip.exit(),
            None => {}
        }
        self.trip.pursue(ctx, self.reason());
    }

    /// The cross, with the fast and the slow average in units of 1e-8.
    fn reason(&self) -> Reason {
        let code = if self.trip.goal() == Goal::Exit { "CROSS_DOWN" } else { "CROSS_UP" };
        let units = |sma: &Sma| sma.value().and_then(|average| average.price(Rounding::Down).ok());
        let [fast, slow] = [&self.fast, &self.slow].map(|sma| units(sma).unwrap_or_default().units());
        Reason::new(code).with(fast, slow)
    }
}

impl Strategy for SmaCross {
    fn requirements(&self) -> Requirements {
        Requirements {
            markets: vec![self.market],
            candle_spans: self.params.span.into_iter().collect(),
            // The first cross can be seen one candle after the slow average is warm.
            warm_up: usize::try_from(self.params.slow).unwrap_or(usize::MAX).saturating_add(1),
        }
    }

    fn state_version(&self) -> u32 {
        STATE_VERSION
    }

    fn save(&self) -> Vec<u8> {
        let Self { fast, slow, last_candle, trip, .. } = self;
        let above = self.above.map_or(2, u8::from);
        // The slow average holds every close that the fast one does.
        let closes: Vec<Price> = slow.prices().collect();
        save_state(&(fast.length(), slow.length(), *last_candle, above, trip.goal(), closes))
    }

    fn restore(&mut self, version: u32, bytes: &[u8]) -> Result<(), RestoreError> {
        let (fast, slow, last_candle, above, goal, closes): State =
            restore_state(bytes, version, STATE_VERSION)?;
        let ours = (self.fast.length(), self.slow.length());
        if (fast, slow) != ours {
            let message = format!(
                "it was saved with fast = {fast} and slow = {slow}, now they are {} and {}",
                ours.0, ours.1
            );
            return Err(RestoreError::Malformed(message));
        }
        self.fast.reset();
        self.slow.reset();
        self.fast.extend(closes.iter().copied());
        self.slow.extend(closes);
        self.above = [Some(false), Some(true), None].get(usize::from(above)).copied().flatten();
        if above > 2 || (self.above.is_some() && !self.slow.is_warm()) {
            let message = format!("a signal of {above} does not go with its closes");
            return Err(RestoreError::Malformed(message));
        }
        self.last_candle = last_candle;
        self.trip.resume(goal);
        Ok(())
    }

    #[inline]
    fn on_candle(&mut self, ctx: &mut Context<'_>, _market: MarketId, candle: &Candle) {
        if candle.open_time <= self.last_candle {
            return;
        }
        self.last_candle = candle.open_time;
        let (fast, slow) = (self.fast.update(candle.close), self.slow.update(candle.close));
        let (Some(fast), Some(slow)) = (fast, slow) else { return };
        let above = fast > slow;
        let before = self.above.replace(above);
        if before != Some(above) || self.trip.goal() != Goal::None {
            self.decide(ctx, above, before);
        }
    }

    fn on_order(&mut self, ctx: &mut Context<'_>, event: &OrderEvent) {
        self.trip.on_order(ctx, event, self.reason());
    }
}
