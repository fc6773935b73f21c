//! From the journal back to the engine's orders and ledger.
