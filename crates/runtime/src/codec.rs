//! What entered and left the engine, as bytes in the journal.
