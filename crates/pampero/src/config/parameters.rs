//! A strategy's parameters: from what was written to what the strategy takes.

use pampero_engine::{OutOfRange, Parameter, ParameterError, ParameterKind, StrategyDefinition};
use pampero_model::MarketId;
use serde_json::{Map, Value as Json};

use super::document::Value;
use crate::suggest::hint;

/// Parameters that a strategy refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    /// The parameter to blame, if it can be told.
    pub key: Option<String>,
    pub message: String,
    pub help: String,
}

/// The parameters, complete, in the form that the strategy reads.
///
/// # Errors
/// Every key that there is not, else what the strategy itself says.
pub(crate) fn build_parameters(
    definition: &StrategyDefinition,
    written: &[(String, Value)],
    markets: &[MarketId],
) -> Result<Map<String, Json>, Vec<Refused>> {
    let defaults = definition.defaults();
    let unknown: Vec<Refused> = written
        .iter()
        .filter(|(key, _)| !defaults.contains_key(key))
        .map(|(key, _)| Refused {
            key: Some(key.clone()),
            message: format!("`{key}` is not a parameter of {}", definition.name()),
            help: hint(key, defaults.keys().map(String::as_str).collect::<Vec<_>>()),
        })
        .collect();
    if !unknown.is_empty() {
        return Err(unknown);
    }
    let accepts = |parameters: &Map<String, Json>| {
        definition.build(&Json::Object(parameters.clone()), markets).map(|_| ())
    };
    let mut all = defaults.clone();
    let mut refused = Vec::new();
    for (key, value) in written {
        let out_of_range = |error: OutOfRange| Refused {
            key: Some(key.clone()),
            message: format!("`{key}` = `{}` is out of range", error.value),
            help: format!("write a value {}", in_prose(definition.parameter(key), &error.expected)),
        };
        match form_of(key, value, defaults, &accepts) {
            Ok(json) => {
                let check = definition.parameter(key).map_or(Ok(()), |parameter| parameter.check(&json));
                refused.extend(check.err().map(out_of_range));
                all.insert(key.clone(), json);
            }
            Err(message) => refused.push(Refused {
                key: Some(key.clone()),
                message: format!("`{key}` = `{}` is not a value it takes: {message}", shown(value)),
                help: format!("its default is {}", defaults.get(key).unwrap_or(&Json::Null)),
            }),
        }
    }
    if !refused.is_empty() {
        return Err(refused);
    }
    match accepts(&all) {
        Ok(()) => Ok(all),
        Err(error) => {
            let message = error.to_string();
            let named = written.iter().find(|(key, _)| mentions(&message, key));
            Err(vec![Refused {
                key: named.map(|(key, _)| key.clone()),
                message: format!("{} refuses its parameters: {message}", definition.name()),
                help: "`pampero strategies` lists every parameter with its default".to_owned(),
            }])
        }
    }
}

/// What a parameter takes, after "write a value": "at least 1", or the words of a choice.
fn in_prose(parameter: Option<&Parameter>, expected: &str) -> String {
    let choice = parameter.is_some_and(|parameter| matches!(parameter.kind, ParameterKind::Choice(_)));
    let purpose = parameter.map_or(String::new(), |parameter| format!(". {}", parameter.what));
    if choice { format!("that is one of {expected}{purpose}") } else { format!("{expected}{purpose}") }
}

/// Asks the strategy whether it takes a set of parameters.
type Accepts<'a> = dyn Fn(&Map<String, Json>) -> Result<(), ParameterError> + 'a;

/// The form of one value in which the strategy can read it, tried beside the defaults of all others: what is written
/// as a number may be wanted as one or, for exact amounts, as text.
fn form_of(
    key: &str,
    value: &Value,
    defaults: &Map<String, Json>,
    accepts: &Accepts<'_>,
) -> Result<Json, String> {
    let mut first_error = String::new();
    for form in forms(value) {
        let mut parameters = defaults.clone();
        parameters.insert(key.to_owned(), form.clone());
        match accepts(&parameters) {
            Err(ParameterError::Malformed(message)) => {
                if first_error.is_empty() {
                    first_error = message;
                }
            }
            // A value that makes no sense with the defaults may do so with what else is written.
            Ok(()) | Err(_) => return Ok(form),
        }
    }
    Err(first_error)
}

/// The ways in which a value can be handed on, the plainest first.
fn forms(value: &Value) -> Vec<Json> {
    let Some(text) = value.text().filter(|_| !matches!(value, Value::Flag(_))) else {
        return vec![value.to_json()];
    };
    let text_form = Json::from(text);
    match (value, serde_json::from_str::<Json>(text)) {
        (Value::Number(_), Ok(number)) if number.is_number() => vec![number, text_form],
        _ => vec![text_form],
    }
}

/// A value of the command line, which has no quotes to tell texts from numbers.
pub(crate) fn of_command_line(text: &str) -> Value {
    match text {
        "true" => Value::Flag(true),
        "false" => Value::Flag(false),
        text if text.parse::<pampero_model::Cash>().is_ok() => Value::Number(text.to_owned()),
        text => Value::Text(text.to_owned()),
    }
}

fn shown(value: &Value) -> String {
    value.text().map_or_else(|| value.to_json().to_string(), str::to_owned)
}

fn mentions(message: &str, key: &str) -> bool {
    message.split(|c: char| !(c.is_alphanumeric() || c == '_')).any(|word| word == key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use pampero_engine::{Requirements, Strategy, parameters};
    use pampero_model::Rate;

    parameters! {
        struct Params {
            /// How long.
            period: usize = 20,
            /// What to spend.
            share: Rate = Rate::ONE => above("0").at_most("1"),
            /// Where.
            offset: Option<Rate> = None,
        }
    }

    struct Idle;
    impl Strategy for Idle {
        fn requirements(&self) -> Requirements {
            Requirements::default()
        }
    }

    fn definition() -> StrategyDefinition {
        StrategyDefinition::new("idle", "0.1.0", "does nothing", |_, params: Params| {
            if params.period == 0 {
                return Err("period must not be 0".to_owned());
            }
            Ok(Idle)
        })
    }

    fn build(written: &[(&str, &str)]) -> Result<Map<String, Json>, Vec<Refused>> {
        let written: Vec<_> =
            written.iter().map(|(key, value)| ((*key).to_owned(), of_command_line(value))).collect();
        build_parameters(&definition(), &written, &[MarketId(0)])
    }

    #[test]
    fn numbers_go_where_numbers_or_amounts_are_wanted() {
        let all = build(&[("period", "5"), ("share", "0.30"), ("offset", "0.1")]).unwrap();
        assert_eq!(all["period"], 5);
        assert_eq!(all["share"], "0.30");
        assert_eq!(all["offset"], "0.1");
    }

    #[test]
    fn what_is_wrong_names_the_parameter() {
        let refused = build(&[("perod", "5")]).unwrap_err();
        assert_eq!(refused[0].help, "did you mean `period`?");
        let refused = build(&[("period", "x"), ("share", "y")]).unwrap_err();
        assert_eq!(refused.len(), 2);
        assert_eq!(refused[0].key.as_deref(), Some("period"));
        let refused = build(&[("period", "0")]).unwrap_err();
        assert_eq!(refused[0].key.as_deref(), Some("period"));
    }

    #[test]
    fn a_value_out_of_range_is_told_what_would_be_right() {
        let refused = build(&[("share", "1.5"), ("period", "5")]).unwrap_err();
        assert_eq!(refused.len(), 1);
        assert_eq!(refused[0].key.as_deref(), Some("share"));
        assert_eq!(refused[0].help, "write a value above 0, at most 1. What to spend.");
    }
}
