//! How a strategy is named, described and built from parameters.

use pampero_model::MarketId;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use thiserror::Error;

use crate::parameter::{OutOfRange, Parameter};
use crate::strategy::Strategy;

type Build = Box<dyn Fn(&Value, &[MarketId]) -> Result<Box<dyn Strategy>, ParameterError> + Send + Sync>;

/// A strategy that a program offers: its name, its parameters with their defaults, and how to build it.
///
/// ```
/// use pampero_engine::{Parameter, Requirements, Strategy, StrategyDefinition};
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
/// const PARAMETERS: &[Parameter] = &[Parameter::count("period", "candles to wait").at_least("1")];
/// let definition = StrategyDefinition::new("idle", "does nothing", |parameters: Parameters, markets| {
///     Ok(Box::new(Idle { market: markets[0], period: parameters.period }))
/// })
/// .with_parameters(PARAMETERS);
/// assert_eq!(definition.defaults()["period"], 20);
/// assert!(definition.build(&serde_json::json!({"period": 5}), &[MarketId(0)]).is_ok());
/// assert!(definition.build(&serde_json::json!({"period": 0}), &[MarketId(0)]).is_err());
/// ```
pub struct StrategyDefinition {
    name: &'static str,
    summary: &'static str,
    defaults: Map<String, Value>,
    parameters: &'static [Parameter],
    markets: usize,
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
    /// A value outside of the range that the strategy states.
    #[error(transparent)]
    OutOfRange(#[from] OutOfRange),
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
            build(parameters, markets)
        };
        Self { name, summary, defaults, parameters: &[], markets: 1, build: Box::new(build) }
    }

    /// Describes the parameters: types, ranges and purposes, for lists, checks and searches.
    #[must_use]
    pub fn with_parameters(self, parameters: &'static [Parameter]) -> Self {
        Self { parameters, ..self }
    }

    /// How many markets it needs, where one is not enough.
    #[must_use]
    pub fn with_markets(self, markets: usize) -> Self {
        Self { markets, ..self }
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

    /// The parameters as the strategy describes them; empty if it does not.
    pub fn parameters(&self) -> &'static [Parameter] {
        self.parameters
    }

    /// The description of one parameter.
    pub fn parameter(&self, name: &str) -> Option<&'static Parameter> {
        self.parameters.iter().find(|parameter| parameter.name == name)
    }

    /// How many markets it needs at least.
    pub fn markets(&self) -> usize {
        self.markets
    }

    /// Builds the strategy. Parameters that are left out keep their defaults if the struct says so.
    pub fn build(
        &self,
        parameters: &Value,
        markets: &[MarketId],
    ) -> Result<Box<dyn Strategy>, ParameterError> {
        if markets.len() < self.markets {
            return Err(ParameterError::Markets { needed: self.markets, given: markets.len() });
        }
        for parameter in self.parameters {
            if let Some(value) = parameters.get(parameter.name) {
                parameter.check(value)?;
            }
        }
        (self.build)(parameters, markets)
    }
}
