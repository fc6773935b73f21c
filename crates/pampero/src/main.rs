//! The `pampero` command.
fn main() -> std::process::ExitCode {
    pampero::run(pampero::builtin_strategies())
}
