//! What all indicators have in common.

/// Something that is fed one input after the other and says something about those it has seen.
///
/// The indicators of this crate can be saved as a whole, with serde: some of them, such as [`Ema`](crate::Ema) and
/// [`Atr`](crate::Atr), remember every input they ever saw, so that feeding them the last few again gives another value.
/// For a strategy, the engine's `Whole` does it.
///
/// ```
/// use pampero_indicators::{Indicator, Sma};
/// use pampero_model::Price;
/// let mut sma = Sma::new(2);
/// assert_eq!(sma.update(Price::from_units(10)), None);
/// assert!(sma.update(Price::from_units(20)).is_some());
/// sma.reset();
/// assert!(!sma.is_warm());
/// ```
pub trait Indicator<Input> {
    /// What it says.
    type Output;

    /// Takes in one input, in constant time and without allocating. Gives the value once it is warm.
    fn update(&mut self, input: Input) -> Option<Self::Output>;

    /// The value after the last input; nothing before it is warm.
    fn value(&self) -> Option<Self::Output>;

    /// Whether it has seen enough inputs.
    fn is_warm(&self) -> bool;

    /// Forgets every input and keeps its memory.
    fn reset(&mut self);
}
