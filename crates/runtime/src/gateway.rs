//! Carries requests out, and is the only place that places orders.
