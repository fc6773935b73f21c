//! How a strategy is named, described and built from parameters.

use pampero_model::MarketId;
use serde_json::{Map, Value};
use thiserror::Error;

use crate::parameter::{OutOfRange, Parameter};
use crate::parameters::Parameters;
use crate::strategy::Strategy;

type Build = Box<dyn Fn(&Value, &[MarketId]) -> Result<Box<dyn Strategy>, ParameterError> + Send + Sync>;

/// A strategy that a program offers: its name and version, its parameters with their defaults, and how to build it.
///
/// ```
/// use pampero_engine::{Requirements, Strategy, StrategyDefinition, parameters};
/// use pampero_model::MarketId;
///
/// parameters! {
///     struct Params {
///         /// Candles to wait.
///         period: usize = 20 => at_least("1"),
///     }
/// }
/// struct Idle { market: MarketId, params: Params }
/// impl Strategy for Idle {
///     fn requirements(&self) -> Requirements {
///         Requirements { warm_up: self.params.period, ..Requirements::of(self.market) }
///     }
/// }
/// let build = |market, params| Ok(Idle { market, params });
/// let definition = StrategyDefinition::new("idle", env!("CARGO_PKG_VERSION"), "does nothing", build);
/// assert_eq!(definition.defaults()["period"], 20);
/// assert!(definition.build(&serde_json::json!({"period": 5}), &[MarketId(0)]).is_ok());
/// assert!(definition.build(&serde_json::json!({"period": 0}), &[MarketId(0)]).is_err());
/// ```
pub struct StrategyDefinition {
    name: &'static str,
    version: &'static str,
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
    /// Defines a strategy that trades one market. `build` says which parameter it refuses, and why; values outside of
    /// their ranges it need not look for.
    ///
    /// `version` is that of the crate that holds the strategy, `env!("CARGO_PKG_VERSION")`: what a strategy has shown on
    /// paper and in rehearsals counts for its name, its version and its parameters, and begins anew with each of them.
    pub fn new<P, S>(
        name: &'static str,
        version: &'static str,
        summary: &'static str,
        build: impl Fn(MarketId, P) -> Result<S, String> + Send + Sync + 'static,
    ) -> Self
    where
        P: Parameters,
        S: Strategy + 'static,
    {
        Self::over(name, version, summary, 1, move |markets, parameters| match markets {
            [market, ..] => build(*market, parameters),
            [] => Err("it has no market".to_owned()),
        })
    }

    /// Defines a strategy that trades several markets: `build` gets at least as many as `needed`.
    pub fn over<P, S>(
        name: &'static str,
        version: &'static str,
        summary: &'static str,
        needed: usize,
        build: impl Fn(&[MarketId], P) -> Result<S, String> + Send + Sync + 'static,
    ) -> Self
    where
        P: Parameters,
        S: Strategy + 'static,
    {
        let defaults = match serde_json::to_value(P::default()) {
            Ok(Value::Object(defaults)) => defaults,
            _ => Map::new(),
        };
        let build = move |parameters: &Value, markets: &[MarketId]| {
            let parameters =
                P::deserialize(parameters).map_err(|error| ParameterError::Malformed(error.to_string()))?;
            let strategy = build(markets, parameters).map_err(ParameterError::Invalid)?;
            Ok(Box::new(strategy) as Box<dyn Strategy>)
        };
        Self {
            name,
            version,
            summary,
            defaults,
            parameters: P::DESCRIBED,
            markets: needed,
            build: Box::new(build),
        }
    }

    /// The name by which configurations call it.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The version of the crate that holds it.
    pub fn version(&self) -> &'static str {
        self.version
    }

    /// One line on what it does.
    pub fn summary(&self) -> &'static str {
        self.summary
    }

    /// Every parameter with its default.
    pub fn defaults(&self) -> &Map<String, Value> {
        &self.defaults
    }

    /// The parameters as the strategy describes them.
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
