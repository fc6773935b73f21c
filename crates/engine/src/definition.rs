//! How a strategy is named, described and built from parameters.

use pampero_model::MarketId;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use thiserror::Error;

use crate::strategy::Strategy;

type Build = Box<dyn Fn(&Value, &[MarketId]) -> Result<Box<dyn Strategy>, ParameterError> + Send + Sync>;

/// A strategy that a program offers: its name, its parameters with their defaults, and how to build it.
///
/// ```
/// use pampero_engine::{Requirements, Strategy, StrategyDefinition};
/// use pampero_model::MarketId;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize)]
/// #[serde(default, deny_unknown_fields)]
/// struct Parameters { period: usize }
/// impl Default for Parameters {
///     fn default() -> Self { Self { period: 20 } }
/// }
/// struct Idle { market: MarketId, period: usize }
/// impl Strategy for Idle {
///     fn requirements(&self) -> Requirements {
///         Requirements { markets: vec![self.market], warm_up: self.period, ..Requirements::default() }
///     }
/// }
/// let definition = StrategyDefinition::new("idle", "does nothing", |parameters: Parameters, markets| {
///     Ok(Box::new(Idle { market: markets[0], period: parameters.period }))
/// });
/// assert_eq!(definition.defaults()["period"], 20);
/// assert!(definition.build(&serde_json::json!({"period": 5}), &[MarketId(0)]).is_ok());
/// ```
pub struct StrategyDefinition {
    name: &'static str,
    summary: &'static str,
    defaults: Map<String, Value>,
    build: Build,
}

/// Parameters that a strategy refuses.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ParameterError {
    /// A value of the wrong type, or a key that there is not.
    #[error("{0}")]
    Malformed(String),
    /// Values that make no sense, alone or together.
    #[error("{0}")]
    Invalid(String),
    /// The strategy needs more markets than it was given.
    #[error("the strategy needs {needed} market(s), but {given} given")]
    Markets {
        /// How many it needs.
        needed: usize,
        /// How many it got.
        given: usize,
    },
}

impl StrategyDefinition {
    /// Defines a strategy whose parameters are a struct with defaults. `build` gets at least one market.
    pub fn new<P>(
        name: &'static str,
        summary: &'static str,
        build: impl Fn(P, &[MarketId]) -> Result<Box<dyn Strategy>, ParameterError> + Send + Sync + 'static,
    ) -> Self
    where
        P: Default + Serialize + DeserializeOwned,
    {
        let defaults = match serde_json::to_value(P::default()) {
            Ok(Value::Object(defaults)) => defaults,
            _ => Map::new(),
        };
        let build = move |parameters: &Value, markets: &[MarketId]| {
            let parameters =
                P::deserialize(parameters).map_err(|error| ParameterError::Malformed(error.to_string()))?;
            if markets.is_empty() {
                return Err(ParameterError::Markets { needed: 1, given: 0 });
            }
            build(parameters, markets)
        };
        Self { name, summary, defaults, build: Box::new(build) }
    }

    /// The name by which configurations call it.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// One line on what it does.
    pub fn summary(&self) -> &'static str {
        self.summary
    }

    /// Every parameter with its default.
    pub fn defaults(&self) -> &Map<String, Value> {
        &self.defaults
    }

    /// Builds the strategy. Parameters that are left out keep their defaults if the struct says so.
    pub fn build(
        &self,
        parameters: &Value,
        markets: &[MarketId],
    ) -> Result<Box<dyn Strategy>, ParameterError> {
        (self.build)(parameters, markets)
    }
}
