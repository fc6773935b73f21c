//! Market data by polling: what is asked when, and what of an answer is news.
