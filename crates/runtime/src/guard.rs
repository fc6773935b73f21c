//! The kill switch: blocks first, cancels, verifies, and works without the engine.
