//! What becomes of an order on an exchange without client order ids: pure, every request is data.
