//! Bitex as the runtime sees it.

use async_trait::async_trait;
use pampero_exchange::{
    Balance, CancelScope, CandleQuery, Error, Exchange, FillQuery, LastLook, MarketSnapshot, Movement,
    OrderRequest, PlaceOutcome, SnapshotParts, VenueCandle, VenueFill, VenueOrder,
};
use pampero_model::{Side, Timestamp, Trade, VenueOrderId};

use crate::client::Client;

/// Bitex as an [`Exchange`].
///
/// ```no_run
/// use pampero_bitex::{ApiKey, Bitex, Client, Config, Environment, KeySource};
/// use pampero_exchange::{Budget, BudgetConfig, Exchange};
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let environment = Environment::Sandbox;
/// let key = ApiKey::load(&KeySource::Variable("PAMPERO_SANDBOX_TRADE_KEY".into()), &environment)?;
/// let client = Client::new(Config::new(environment), Budget::new(BudgetConfig::default())?)?.with_key(key)?;
/// let exchange: Box<dyn Exchange> = Box::new(Bitex::new(client));
/// for balance in exchange.balances().await? {
///     println!("{} of which {} is free", balance.total, balance.available);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Bitex {
    venue: String,
    client: Client,
}

impl Bitex {
    /// The venue `bitex`.
    pub fn new(client: Client) -> Self {
        Self { venue: "bitex".to_owned(), client }
    }

    /// The venue under another name, where a run trades two of them.
    pub fn named(venue: &str, client: Client) -> Self {
        Self { venue: venue.to_owned(), client }
    }

    /// The client, for everything beyond the contract.
    pub const fn client(&self) -> &Client {
        &self.client
    }

    /// The same for an emergency: its requests go before all others.
    #[must_use]
    pub fn urgent(&self) -> Self {
        Self { venue: self.venue.clone(), client: self.client.urgent() }
    }
}

#[async_trait]
impl Exchange for Bitex {
    fn venue(&self) -> &str {
        &self.venue
    }

    async fn account(&self) -> Result<String, Error> {
        Ok(self.client.me().await?.id)
    }

    async fn server_time(&self) -> Result<Option<Timestamp>, Error> {
        Ok(self.client.probe().await?.server_time)
    }

    async fn place(&self, request: &OrderRequest, last_look: &LastLook<'_>) -> PlaceOutcome {
        #[allow(clippy::disallowed_methods)] // forbidden to callers, who have the gateway
        self.client.place_order(request, last_look).await
    }

    async fn cancel(&self, side: Side, id: VenueOrderId) -> Result<(), Error> {
        self.client.cancel_order(side, id).await
    }

    async fn cancel_all(&self, scope: CancelScope<'_>) -> Result<(), Error> {
        self.client.cancel_orders(scope).await
    }

    async fn order(&self, side: Side, id: VenueOrderId) -> Result<VenueOrder, Error> {
        self.client.order(side, id).await
    }

    async fn active_orders(&self, market: Option<&str>) -> Result<Vec<VenueOrder>, Error> {
        let mut orders = self.client.orders().await?;
        // The list takes no filter.
        orders.retain(|order| market.is_none_or(|market| order.market == market));
        Ok(orders)
    }

    async fn fills(&self, query: &FillQuery) -> Result<Vec<VenueFill>, Error> {
        self.client.fills(query).await
    }

    /// From `accounts`, since wallets cut cash off after two decimals.
    async fn balances(&self) -> Result<Vec<Balance>, Error> {
        let mut accounts = self.client.accounts().await?.into_iter();
        match (accounts.next(), accounts.next()) {
            (Some(account), None) => Ok(account.balances),
            (first, _) => {
                let count = if first.is_some() { "several accounts" } else { "no account" };
                Err(Error::Malformed(format!("{count} instead of one")))
            }
        }
    }

    async fn snapshot(&self, market: &str, parts: SnapshotParts) -> Result<MarketSnapshot, Error> {
        self.client.market(market, parts).await
    }

    async fn candles(&self, query: &CandleQuery) -> Result<Vec<VenueCandle>, Error> {
        self.client.candles(query).await
    }

    async fn trades(&self, market: &str, hours: u32) -> Result<Vec<Trade>, Error> {
        let transactions = self.client.transactions(Some(market), Some(hours)).await?;
        Ok(transactions.into_iter().map(|transaction| transaction.trade).collect())
    }

    async fn movements(&self) -> Result<Vec<Movement>, Error> {
        self.client.movements().await
    }
}
