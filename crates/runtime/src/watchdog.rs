//! A process that cancels everything when the trading process falls silent.
