//! The fuzz targets, from their corpora: every input that was ever worth keeping, and some made of those.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // test code

use std::path::{Path, PathBuf};
use std::time::Duration;

use pampero_tests::fuzz::{Mutator, TARGETS, find, reader_of};

fn exercise(name: &str) {
    let tried = find(name).unwrap().exercise(1, 3_000, Duration::from_secs(4)).unwrap();
    println!("{name}: {} of the corpus, {} made of them, {:?}", tried.corpus, tried.mutated, tried.elapsed);
    assert_eq!(tried.failure, None);
    assert!(tried.corpus > 0 && tried.mutated > 0);
}

macro_rules! targets {
    ($($name:ident)*) => {
        $(#[test] fn $name() { exercise(stringify!($name)); })*

        #[test]
        fn every_target_has_a_test() {
            assert_eq!(TARGETS.map(|target| target.name), [$(stringify!($name)),*]);
        }
    };
}

targets! {
    documents errors webhooks decimals timestamps configuration sandbox_configuration csv parquet matching orders
    reconciling journal records latch arguments responses requests
}

#[test]
fn the_same_seed_makes_the_same_inputs() {
    let corpus = find("decimals").unwrap().corpus().unwrap();
    let inputs = |seed| {
        let mut mutator = Mutator::new(seed, &corpus, 128);
        (0..200).map(|_| mutator.next().to_vec()).collect::<Vec<_>>()
    };
    assert_eq!(inputs(1), inputs(1));
    assert_ne!(inputs(1), inputs(2));
    assert!(
        inputs(1)
            .iter()
            .any(|input| std::str::from_utf8(input).is_ok_and(|text| text.parse::<f64>().is_ok()))
    );
}

#[test]
fn the_documents_of_the_corpus_cover_every_reader() {
    let corpus = find("documents").unwrap().corpus().unwrap();
    let read: std::collections::BTreeSet<u8> =
        corpus.iter().filter_map(|input| reader_of(&input[1..])).collect();
    assert_eq!(read, (0..25).collect());
}

/// Recorded answers, where their folder is present: what a real exchange sent, nearly.
#[test]
fn recorded_answers_and_what_is_made_of_them() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/bitex/recordings");
    if !folder.exists() {
        eprintln!("skipped: there are no recordings at {}", folder.display());
        return;
    }
    let (documents, errors) = (find("documents").unwrap(), find("errors").unwrap());
    let mut corpus = Vec::new();
    for path in files(&folder) {
        let recording: serde_json::Value = match serde_json::from_slice(&std::fs::read(&path).unwrap()) {
            Ok(recording) => recording,
            Err(_) => continue,
        };
        let body = recording["response"]["body"].to_string().into_bytes();
        let status = u16::try_from(recording["response"]["status"].as_u64().unwrap_or(200)).unwrap();
        (errors.run)(&[&status.saturating_sub(300).to_be_bytes(), body.as_slice()].concat());
        corpus.push([&[reader_of(&body).unwrap_or(0)], body.as_slice()].concat());
    }
    assert!(corpus.len() > 50, "{}", corpus.len());
    let mut mutator = Mutator::new(2, &corpus, 200_000);
    (0..300).for_each(|_| (documents.run)(mutator.next()));
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "json") {
            found.push(path);
        }
    }
    found
}
