//! libFuzzer over one of the targets of `pampero_tests::fuzz`, chosen by the variable `TARGET`.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use pampero_tests::fuzz::{Target, find};

static TARGET: LazyLock<&'static Target> = LazyLock::new(|| {
    let name = std::env::var("TARGET").expect("TARGET names the target");
    find(&name).expect("there is no such target")
});

fuzz_target!(
    init: {
        // The library reads Parquet on a thread whose panics it turns into errors; those are no findings.
        let abort = std::panic::take_hook();
        // It has no name: the main function is C++'s.
        let main = std::thread::current().id();
        std::panic::set_hook(Box::new(move |info| {
            if std::thread::current().id() == main {
                abort(info);
            }
        }));
        LazyLock::force(&TARGET);
    },
    |input: &[u8]| (TARGET.run)(input)
);
