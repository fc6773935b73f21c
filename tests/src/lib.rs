//! End-to-end tests and tests of the house itself: each file of `tests/` holds one behaviour.
