//! What must be shown before a strategy trades real money.
