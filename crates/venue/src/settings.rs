//! How a simulation fills and how slow it is.

use std::fmt;
use std::str::FromStr;

use pampero_model::{Quantity, Rate, Rounding};
use thiserror::Error;

use crate::latency::Latency;

/// Everything that a [`HistoryVenue`](crate::HistoryVenue) is told beside the markets.
///
/// ```
/// use pampero_venue::{FillPreset, SimSettings};
/// let settings = SimSettings::default();
/// assert_eq!(settings.fill.preset, FillPreset::Conservative);
/// ```
#[derive(Clone, Debug, Default)]
pub struct SimSettings {
    /// When and how much history fills our orders.
    pub fill: FillModel,
    /// How long requests and reports travel.
    pub latency: Latency,
    /// Seed of the latencies that are drawn.
    pub seed: u64,
}

/// When a resting order fills.
///
/// | preset | a resting order fills | for at most |
/// |---|---|---|
/// | conservative | when the market trades or quotes *beyond* its limit | a tenth of the observed volume |
/// | neutral | beyond its limit, or at it once the queue ahead is consumed | the observed volume |
/// | optimistic | as soon as its limit is touched | its whole size |
///
/// An order that takes (see [`HistoryVenue`](crate::HistoryVenue)) is bounded by the quantity on show, or by
/// the share of the volume where history shows only volume; under `optimistic` by nothing.
///
/// ```
/// use pampero_venue::FillPreset;
/// assert_eq!("neutral".parse(), Ok(FillPreset::Neutral));
/// assert_eq!(FillPreset::Neutral.to_string(), "neutral");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum FillPreset {
    /// Only when traded through.
    #[default]
    Conservative,
    /// With an estimate of the place in the queue.
    Neutral,
    /// At touch and whole: the convention of many back-testers, for comparison.
    Optimistic,
}

/// A text that names no preset.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{0}` is not a fill preset (expected conservative, neutral or optimistic)")]
pub struct UnknownPreset(String);

impl FromStr for FillPreset {
    type Err = UnknownPreset;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "conservative" => Ok(Self::Conservative),
            "neutral" => Ok(Self::Neutral),
            "optimistic" => Ok(Self::Optimistic),
            _ => Err(UnknownPreset(text.to_owned())),
        }
    }
}

impl fmt::Display for FillPreset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Conservative => "conservative",
            Self::Neutral => "neutral",
            Self::Optimistic => "optimistic",
        })
    }
}

/// A preset and the share of the observed volume that our fills may take.
///
/// ```
/// use pampero_venue::{FillModel, FillPreset};
/// assert_eq!(FillModel::preset(FillPreset::Conservative).volume_share.to_string(), "0.1");
/// assert_eq!(FillModel::preset(FillPreset::Neutral).volume_share.to_string(), "1");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FillModel {
    /// When a resting order fills.
    pub preset: FillPreset,
    /// The part of the observed volume that fills may take together. Ignored by `optimistic`.
    pub volume_share: Rate,
}

impl FillModel {
    /// A preset with its usual share: a tenth for `conservative`, the whole for the others.
    pub const fn preset(preset: FillPreset) -> Self {
        let volume_share = match preset {
            FillPreset::Conservative => Rate::from_units(10_000_000),
            FillPreset::Neutral | FillPreset::Optimistic => Rate::ONE,
        };
        Self { preset, volume_share }
    }

    /// The share of an observed volume, in units; without bound under `optimistic`.
    pub(crate) fn share_of(&self, volume: Quantity) -> i64 {
        if self.preset == FillPreset::Optimistic {
            return i64::MAX;
        }
        self.volume_share.of_quantity(volume, Rounding::Down).map_or(0, |share| share.units().max(0))
    }
}

impl Default for FillModel {
    fn default() -> Self {
        Self::preset(FillPreset::Conservative)
    }
}
