//! Telling people: webhooks and Telegram, never on the trading path.
