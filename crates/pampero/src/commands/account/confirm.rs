//! Asking a person: only on a terminal, never where a program would wait for ever.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use pampero_bitex::OneTimePassword;

use super::Session;
use crate::cli::account::{Consent, Otp};
use crate::connect::{key_failure, local};
use crate::error::{Exit, Failure};

/// Whether somebody sits there: answers come from standard input, questions go to standard error.
pub(crate) fn is_terminal() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Asks, and gives what was typed.
pub(crate) fn ask(question: &str) -> Result<String, Failure> {
    let unreadable = |error: std::io::Error| Failure::system("the terminal", &error);
    let mut screen = std::io::stderr().lock();
    write!(screen, "{question}").and_then(|()| screen.flush()).map_err(unreadable)?;
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).map_err(unreadable)?;
    Ok(line.trim().to_owned())
}

/// Lets a person confirm what moves money or keys. With real money the name of the environment has to be typed.
pub(super) fn confirm(session: &Session, what: &str, consent: Consent) -> Result<(), Failure> {
    if consent.yes {
        return Ok(());
    }
    let environment = session.out.environment;
    let unconfirmed = |message: &str, help: &str| {
        Err(Failure::account(Exit::Unconfirmed, "not_confirmed", message.to_owned(), help))
    };
    if !is_terminal() {
        let message = format!("this would {what} on {environment}, and nobody is there to confirm it");
        return unconfirmed(&message, "say --yes to do it unasked");
    }
    let agreed = if environment == "production" {
        ask(&format!("This would {what}, with real money.\nType production to go on: "))? == "production"
    } else {
        let answer = ask(&format!("This would {what} on {environment}. Go on? [y/N] "))?;
        ["y", "yes"].contains(&answer.to_ascii_lowercase().as_str())
    };
    if agreed {
        Ok(())
    } else {
        unconfirmed("not confirmed: nothing was sent", "answer y, or the word asked for, to do it")
    }
}

/// The one-time password: given, or asked for on a terminal.
pub(super) fn one_time_password(session: &Session, otp: &Otp) -> Result<OneTimePassword, Failure> {
    let given = match otp.given() {
        Some(given) => given,
        None if is_terminal() => OneTimePassword::new(&ask("One-time password: ")?),
        None => {
            let help = if session.out.environment == "local" {
                let file = local::announcement_file(&session.connection.state, None);
                format!(
                    "say --otp CODE; the secret of the local exchange stands in\n{} as `otp_secret`:\n\
                     oathtool --totp -b SECRET, or any authenticator, makes codes of it",
                    file.display()
                )
            } else {
                "say --otp CODE, with the six digits of your authenticator".to_owned()
            };
            return Err(Failure::account(
                Exit::Unconfirmed,
                "one_time_password",
                "a one-time password is needed",
                help,
            ));
        }
    };
    given.map_err(|error| key_failure(&error))
}
