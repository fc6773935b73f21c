//! Keys: where they are read from, whom they are for, and that no text of ours ever holds one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code

mod common;

use common::{Server, config, reply};
use pampero_bitex::*;
use pampero_exchange::*;
use proptest::prelude::*;

const KEY: &str = common::KEY;

#[allow(clippy::needless_pass_by_value)] // reads better at the calls
fn load(source: KeySource) -> Result<ApiKey, KeyError> {
    ApiKey::load(&source, &Environment::Sandbox)
}

#[cfg(unix)]
fn file(text: &str, mode: u32) -> (tempfile::TempDir, KeySource) {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trade");
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    (folder, KeySource::File(path))
}

#[cfg(unix)]
#[test]
fn a_file_that_others_may_read_is_refused_with_what_to_do() {
    for mode in [0o600, 0o400] {
        let (_folder, source) = file(&format!("{KEY}\n"), mode);
        assert_eq!(load(source).unwrap().environment(), "sandbox");
    }
    for mode in [0o640, 0o604, 0o644, 0o666, 0o610] {
        let (_folder, source) = file(KEY, mode);
        let error = load(source).unwrap_err();
        assert!(matches!(error, KeyError::Exposed { mode: other, .. } if other == mode), "{error}");
        assert!(error.to_string().contains("chmod 600"), "{error}");
    }
}

#[cfg(unix)]
#[test]
fn a_file_of_somebody_else_is_refused() {
    // Root's and private on every Linux; where it can be read at all, this runs as root.
    use std::os::unix::fs::MetadataExt;
    let folder = tempfile::tempdir().unwrap();
    let own = std::fs::metadata(folder.path()).unwrap().uid();
    let path = folder.path().join("key");
    std::fs::write(&path, KEY).unwrap();
    if own != 0 || std::os::unix::fs::chown(&path, Some(65_534), None).is_err() {
        eprintln!("skipped: only root can give a file away");
        return;
    }
    let error = load(KeySource::File(path)).unwrap_err();
    assert!(matches!(error, KeyError::Foreign { owner: 65_534, .. }), "{error}");
}

#[test]
fn what_is_no_key_is_refused_without_being_shown() {
    for text in ["", " ", "short", "two words here", "line\nline-line", "ключключключ"] {
        let error = ApiKey::new(text.into(), &Environment::Sandbox).unwrap_err().to_string();
        assert!(text.trim().is_empty() || !error.contains(text), "{error}");
    }
    let error = load(KeySource::File("/nowhere/key".into())).unwrap_err().to_string();
    assert!(error.contains("/nowhere/key"), "{error}");
    let error = load(KeySource::Variable("PAMPERO_NO_SUCH_VARIABLE".into())).unwrap_err().to_string();
    assert!(error.contains("`PAMPERO_NO_SUCH_VARIABLE`: it is not set"), "{error}");
}

#[cfg(unix)]
#[test]
fn a_command_prints_the_key() {
    let words = |words: &[&str]| KeySource::Command(words.iter().map(|word| (*word).to_owned()).collect());
    assert!(load(words(&["printf", KEY])).is_ok());
    let error = load(words(&["false", KEY])).unwrap_err().to_string();
    assert!(error.contains("the command `false`: it ended with") && !error.contains(&KEY[..8]), "{error}");
    assert!(load(words(&[])).is_err());
    assert!(load(words(&["no-such-program-of-ours"])).is_err());
}

/// The environment of a process is set before it starts, so this test starts itself again, once with and once
/// without what systemd sets.
#[test]
fn keys_come_from_the_environment_and_from_systemd() {
    const CHILD: &str = "PAMPERO_TEST_OF_KEY_SOURCES";
    let variable = || KeySource::Variable("PAMPERO_TEST_KEY".into());
    let credential = |name: &str| KeySource::Credential(name.into());
    let ending =
        format!(r#"{{"data":{{"id":"1","type":"api_keys","attributes":{{"token":"*{}"}}}}}}"#, &KEY[40..]);
    let same = |key: ApiKey| key.ends_like(&decode::one::<KeyRecord>(ending.as_bytes()).unwrap().token);
    match std::env::var(CHILD).as_deref() {
        Ok("service") => {
            assert!(same(load(variable()).unwrap()) && same(load(credential("trade")).unwrap()));
            let error = load(credential("other")).unwrap_err().to_string();
            assert!(error.contains("the systemd credential `other`"), "{error}");
            let error = load(credential("broken")).unwrap_err();
            assert!(matches!(error, KeyError::Malformed { .. }), "{error}");
            return;
        }
        Ok(_) => {
            let error = load(credential("trade")).unwrap_err().to_string();
            assert!(error.contains("does not run as a systemd service"), "{error}");
            return;
        }
        Err(_) => {}
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("trade"), format!("{KEY}\n")).unwrap();
    std::fs::write(folder.path().join("broken"), "two words").unwrap();
    for (child, credentials) in [("service", Some(folder.path())), ("by hand", None)] {
        let mut command = std::process::Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "keys_come_from_the_environment_and_from_systemd"]);
        command.env(CHILD, child).env("PAMPERO_TEST_KEY", KEY).env_remove("CREDENTIALS_DIRECTORY");
        command.envs(credentials.map(|folder| ("CREDENTIALS_DIRECTORY", folder)));
        let output = command.output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && text.contains("1 passed"), "{child}: {text}");
    }
}

#[test]
fn a_key_of_one_environment_is_not_sent_to_another() {
    let [local, other] =
        ["http://127.0.0.1:1", "http://127.0.0.1:2"].map(|url| Environment::local(url).unwrap());
    let environments = [Environment::Production, Environment::Sandbox, local, other];
    for of_key in &environments {
        for of_client in &environments {
            let key = ApiKey::new(KEY.into(), of_key).unwrap();
            let client = Client::new(config(of_client.clone()), Budget::unlimited()).unwrap();
            let result = client.with_key(key);
            assert_eq!(result.is_ok(), of_key == of_client, "{of_key} {of_client}");
            if let Err(error) = result {
                assert!(error.to_string().contains(&format!("use a key of {of_client}")), "{error}");
            }
        }
    }
}

#[test]
fn the_weakest_key_that_serves_is_taken() {
    let source = |name: KeyName| KeySource::Variable(name.to_string());
    let ring = |names: &[KeyName]| {
        let mut ring = KeyRing::default();
        for name in names {
            ring.insert(*name, source(*name));
        }
        ring
    };
    let all = ring(&KeyName::ALL);
    for need in KeyName::ALL {
        assert_eq!(all.weakest(need).unwrap().0, need);
    }
    let two = ring(&[KeyName::Trade, KeyName::Admin]);
    assert_eq!(two.weakest(KeyName::Read).unwrap().0, KeyName::Trade);
    assert_eq!(two.weakest(KeyName::Funds).unwrap().0, KeyName::Admin);
    assert!(ring(&[KeyName::Funds]).weakest(KeyName::Trade).is_none());
    assert!(ring(&[]).weakest(KeyName::Read).is_none());
}

#[test]
fn what_looks_like_a_key_is_recognised() {
    assert!(ApiKey::looks_like_one(KEY));
    assert!(!ApiKey::looks_like_one("trade"));
    assert!(!ApiKey::looks_like_one("/home/user/.config/pampero/keys/sandbox/trade"));
}

fn assert_hides(key: &str, text: &str) {
    for window in key.as_bytes().windows(8) {
        let window = std::str::from_utf8(window).unwrap();
        assert!(!text.contains(window), "{window} of the key in {text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// No eight characters of a key in whatever is shown of whatever there is, even if the other end repeats it.
    #[test]
    fn no_text_holds_a_key(key in "[0-9a-f]{80}") {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let echoes = [
                reply(401, &format!(r#"{{"error":"Key {key} is not known"}}"#)),
                reply(422, &format!(r#"{{"errors":[{{"detail":"{key}","code":"x{key}","source":{{"pointer":"/{key}"}}}}]}}"#)),
                reply(200, &format!(r#"{{"data":{{"id":"{key}","type":"{key}","attributes":"{key}"}}}}"#)),
                reply(200, &format!(r#"{{"data":[{{"id":"1","type":"api_keys","attributes":{{"token":["{key}"]}}}}]}}"#)),
                reply(200, &format!(r#"{{"data":{{"id":"1","type":"api_keys","attributes":{{"token":"{key}","{key}":1}}}}}}"#)),
                reply(200, &format!(r#"{{"data":{{"id":"1","type":"api_keys","attributes":{{"token":"**{}"}}}}}}"#, &key[60..])),
                reply(200, &format!("HTTP {key}")),
            ];
            // Four requests for each.
            let replies = echoes.iter().flat_map(|echo| std::iter::repeat_n(echo.clone(), 4));
            let page = reply(200, &format!("<html>{key}"));
            let replies = replies.chain([page]).collect();
            let server = Server::start(replies).await;
            let environment = Environment::local(&server.url).unwrap();
            let secret = ApiKey::new(key.as_str().into(), &environment).unwrap();
            assert_hides(&key, &format!("{secret:?} {:?}", WebhookVerifier::new(&secret)));
            let client = Client::new(config(environment), Budget::unlimited()).unwrap().with_key(secret).unwrap();
            assert_hides(&key, &format!("{client:#?} {:?}", Bitex::new(client.clone())));
            for _ in &echoes {
                let password = OneTimePassword::new("123456").unwrap();
                let made = client.create_api_key(KeyPermissions::default(), &password).await;
                assert_hides(&key, &format!("{made:?}"));
                let listed = client.api_keys().await;
                assert_hides(&key, &format!("{listed:?}"));
                let one = client.api_key(1).await;
                assert_hides(&key, &format!("{one:?}"));
                if let Ok(record) = &one {
                    assert_hides(&key, &serde_json::to_string(record).unwrap());
                }
                for error in [listed.err(), one.err(), made.into_result().err(), client.orders().await.err()] {
                    assert_hides(&key, &error.map(|error| error.to_string()).unwrap_or_default());
                }
            }
            // A page makes the next request wait, so it comes last.
            let page = client.orders().await.unwrap_err();
            assert_hides(&key, &format!("{page} {page:?}"));
            assert_eq!(server.requests().len(), 4 * echoes.len() + 1);
            let body = format!(r#"{{"api_key":"{key}","payment":{{"id":"{key}"}}}}"#);
            let secret = ApiKey::new(key.as_str().into(), &Environment::Sandbox).unwrap();
            let other = ApiKey::new(KEY.into(), &Environment::Sandbox).unwrap();
            for reader in [&secret, &other] {
                let error = Payment::from_callback(body.as_bytes(), reader).unwrap_err();
                assert_hides(&key, &format!("{error} {error:?}"));
            }
        });
    }
}

/// A key of short words would pass as ordinary words; it is looked for as a whole.
#[tokio::test]
async fn a_key_of_words_is_hidden_too() {
    let key = "short-words.joined-by-marks";
    let echo = reply(200, &format!(r#"{{"data":{{"id":"{key}","type":"{key}"}}}}"#));
    let list = reply(200, &format!(r#"{{"data":[{{"id":"{key}","type":"{key}"}}]}}"#));
    let refusal = reply(401, &format!(r#"{{"error":"what is {key}?"}}"#));
    let server = Server::start(vec![echo, list, refusal.clone(), refusal]).await;
    let environment = Environment::local(&server.url).unwrap();
    let secret = ApiKey::new(key.into(), &environment).unwrap();
    let client = Client::new(config(environment), Budget::unlimited()).unwrap().with_key(secret).unwrap();
    let password = OneTimePassword::new("123456").unwrap();
    let errors = [
        client.me().await.unwrap_err(),
        client.orders().await.unwrap_err(),
        client.orders().await.unwrap_err(),
        client.create_api_key(KeyPermissions::default(), &password).await.into_result().unwrap_err(),
    ];
    for error in errors {
        assert_hides(key, &format!("{error} {error:?}"));
    }
}

#[test]
fn one_time_passwords_are_six_digits_and_not_shown() {
    let password = OneTimePassword::new("987 654").unwrap();
    assert_eq!(format!("{password:?}"), "OneTimePassword");
    for wrong in ["", "12345", "1234567", "12345x", "١٢٣٤٥٦"] {
        assert!(OneTimePassword::new(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn a_listed_key_is_recognised_by_its_ending() {
    let key = ApiKey::new(KEY.into(), &Environment::Sandbox).unwrap();
    let listed = |token: &str| -> Token {
        let body = format!(r#"{{"data":{{"id":"1","type":"api_keys","attributes":{{"token":"{token}"}}}}}}"#);
        decode::one::<KeyRecord>(body.as_bytes()).unwrap().token
    };
    assert!(key.ends_like(&listed("********************6789abcdef")));
    assert!(!key.ends_like(&listed("********************6789abcdee")));
    assert!(!key.ends_like(&listed("********************")), "nothing to tell it by");
}
