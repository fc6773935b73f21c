//! The state directory of an environment: its files, their modes, its lock.
