//! The `pampero` command line, with this strategy beside the built-in ones.

fn main() -> std::process::ExitCode {
    let mut strategies = pampero::builtin_strategies();
    strategies.push({{crate}}::definition());
    pampero::run(strategies)
}
