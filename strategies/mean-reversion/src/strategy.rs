//! The decisions.

use std::collections::VecDeque;

use pampero_engine::{
    Context, Goal, OrderEvent, Reason, Requirements, RestoreError, RoundTrip, Strategy, restore_state,
    save_state,
};
use pampero_indicators::{Indicator, ZScore};
use pampero_model::{Candle, MarketId, Price, Timestamp};

use crate::params::MeanReversionParams;

/// Version of the saved state: the length u32, the open time of the last candle, candles held u32, the goal, then the last
/// closes, oldest first, at most `length` of them.
const STATE_VERSION: u32 = 1;
type State = (u32, Timestamp, u32, Goal, Vec<Price>);

/// The mean reversion. See the [crate's documentation](crate).
#[derive(Clone, Debug)]
pub struct MeanReversion {
    market: MarketId,
    params: MeanReversionParams,
    score: ZScore,
    /// The closes that the score is made of, oldest first: what a saved state needs.
    closes: VecDeque<Price>,
    trip: RoundTrip,
    /// Candles since the last entry began.
    held: u32,
    /// When the last candle opened: one that comes again is not counted again.
    last_candle: Timestamp,
}

impl MeanReversion {
    /// Trades `market`. An error says which parameter is wrong.
    ///
    /// ```
    /// use pampero_mean_reversion::{MeanReversion, MeanReversionParams};
    /// use pampero_model::MarketId;
    /// assert!(MeanReversion::new(MarketId(0), MeanReversionParams::default()).is_ok());
    /// ```
    pub fn new(market: MarketId, params: MeanReversionParams) -> Result<Self, String> {
        params.validate()?;
        let length = usize::try_from(params.length).unwrap_or(usize::MAX);
        Ok(Self {
            market,
            score: ZScore::new(params.length),
            closes: VecDeque::with_capacity(length.saturating_add(1)),
            trip: RoundTrip::new(market, params.allocation),
            params,
            held: 0,
            last_candle: Timestamp::MIN,
        })
    }

    fn see(&mut self, close: Price) -> Option<f64> {
        self.closes.push_back(close);
        if self.closes.len() > usize::try_from(self.params.length).unwrap_or(usize::MAX) {
            self.closes.pop_front();
        }
        self.score.update(close.to_f64())
    }

    /// What a score asks for. An entry goes on while the score is below the exit.
    fn choose(&mut self, ctx: &Context<'_>, score: f64) {
        let back = score >= self.params.exit.to_f64();
        let too_long = self.params.max_candles.is_some_and(|most| self.held >= most);
        if self.trip.goal() == Goal::Exit {
            return;
        }
        if ctx.is_flat(self.market) && self.trip.goal() == Goal::None {
            if score <= -self.params.entry.to_f64() {
                self.trip.enter();
                self.held = 0;
            }
        } else if back || too_long {
            self.trip.exit();
        }
    }

    /// The last close and the mean, in units of 1e-8.
    fn reason(&self) -> Reason {
        let code = if self.trip.goal() == Goal::Exit { "BACK" } else { "BELOW_MEAN" };
        // Of exact closes: a number in a report must not depend on how the sums of the score were rounded.
        let sum: i128 = self.closes.iter().map(|close| i128::from(close.units())).sum();
        let mean = sum / i128::try_from(self.closes.len().max(1)).unwrap_or(1);
        let last = self.closes.back().map_or(0, |close| close.units());
        Reason::new(code).with(last, i64::try_from(mean).unwrap_or(i64::MAX))
    }
}

impl Strategy for MeanReversion {
    fn requirements(&self) -> Requirements {
        Requirements {
            markets: vec![self.market],
            candle_spans: self.params.span.into_iter().collect(),
            warm_up: usize::try_from(self.params.length).unwrap_or(usize::MAX),
        }
    }

    fn state_version(&self) -> u32 {
        STATE_VERSION
    }

    fn save(&self) -> Vec<u8> {
        let closes: Vec<Price> = self.closes.iter().copied().collect();
        save_state(&(self.params.length, self.last_candle, self.held, self.trip.goal(), closes))
    }

    fn restore(&mut self, version: u32, bytes: &[u8]) -> Result<(), RestoreError> {
        let (length, last_candle, held, goal, closes): State = restore_state(bytes, version, STATE_VERSION)?;
        if length != self.params.length {
            let message = format!("it was saved with length = {length}, now it is {}", self.params.length);
            return Err(RestoreError::Malformed(message));
        }
        for close in closes {
            self.see(close);
        }
        (self.last_candle, self.held) = (last_candle, held);
        self.trip.resume(goal);
        Ok(())
    }

    fn on_candle(&mut self, ctx: &mut Context<'_>, _market: MarketId, candle: &Candle) {
        if candle.open_time <= self.last_candle {
            return;
        }
        self.last_candle = candle.open_time;
        self.held = self.held.saturating_add(1);
        let score = self.see(candle.close);
        // Closes that are all the same have no score and ask for nothing.
        if let Some(score) = score {
            self.choose(ctx, score);
        }
        self.trip.pursue(ctx, self.reason());
    }

    fn on_order(&mut self, ctx: &mut Context<'_>, event: &OrderEvent) {
        self.trip.on_order(ctx, event, self.reason());
    }
}
