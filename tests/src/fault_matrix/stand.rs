//! A local exchange with a client and something of everything.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use pampero_bitex::{ApiKey, Client, Config, Environment, OneTimePassword, Timeouts};
use pampero_exchange::{Budget, FillQuery, Outcome};
use pampero_model::{FillId, Price, Side, Span, VenueOrderId};
use pampero_sandbox::{AccountConfig, Sandbox, SandboxConfig, Tls, one_time_password};

use super::endpoints::{Effect, Endpoint, Known, Said, ask, bank, order};
use super::faults::{Expect, Fault};

const KEY: &str = "admin";

/// What came of one cell.
#[derive(Debug)]
pub(super) struct Cell {
    pub said: Said,
    /// What a read said just before, without the fault.
    pub clean: Said,
    /// Requests that reached the endpoint.
    pub arrived: u64,
    /// Things that there are now and were not before.
    pub created: usize,
    pub hits: u64,
    pub elapsed: Duration,
    /// The key that no error may show.
    pub token: String,
}

/// An exchange and who asks it.
pub(super) struct Stand {
    sandbox: Sandbox,
    token: String,
    client: Client,
    /// The same, but they do not wait long; the second one longer.
    impatient: [Client; 2],
    known: Known,
}

impl Stand {
    /// With something of everything.
    pub async fn start(patience: Duration) -> Result<Self, String> {
        let mut stand = Self::open(patience, Tls::None, true).await?;
        stand.furnish().await?;
        Ok(stand)
    }

    /// One that nothing reaches.
    pub async fn untrusted(patience: Duration, tls: Tls, known: bool) -> Result<Self, String> {
        Self::open(patience, tls, known).await
    }

    async fn open(patience: Duration, tls: Tls, known: bool) -> Result<Self, String> {
        let mut account = AccountConfig::demo();
        for money in &mut account.balances {
            money.units = money.units.saturating_mul(1_000);
        }
        let start = "2019-04-15T16:13:40.434Z".parse().map_err(text)?;
        let mut config = SandboxConfig {
            start: Some(start),
            requests_per_second: 0,
            accounts: vec![account],
            tls,
            ..SandboxConfig::default()
        };
        config.agents.enabled = false;
        let sandbox = Sandbox::start(config).await.map_err(text)?;
        let token = sandbox.keys().remove(KEY).ok_or("the sandbox has no such key")?;
        let password = password(&sandbox)?;
        let long = Duration::from_secs(20);
        let client = |patience| client(&sandbox, &token, patience, known);
        let (patient, impatient) = (client(long)?, [client(patience)?, client(patience * 30)?]);
        Ok(Self { client: patient, impatient, known: nothing(password), token, sandbox })
    }

    async fn furnish(&mut self) -> Result<(), String> {
        // Two that meet, two that rest, and money enough in the book for payments to be quoted.
        let price = |units: i64| Price::from_units(units * 100_000_000);
        let place = async |side, units, at| {
            acknowledged(self.client.place_order(&order(side, units, at), &|| Ok(())).await)
        };
        place(Side::Buy, 100_000_000_000, price(4_000)).await?;
        self.settle();
        place(Side::Sell, 100_000, price(4_000)).await?;
        self.settle();
        let bid = place(Side::Buy, 1_000_000_000, price(100)).await?.id;
        let offer = place(Side::Sell, 10_000_000, price(9_000)).await?.id;
        self.settle();
        self.known.orders = [bid, offer];
        let fills = self.client.fills(&FillQuery::default()).await.map_err(text)?;
        self.known.fill = fills.first().ok_or("nothing was executed")?.id;
        let wallets = self.client.coin_wallets().await.map_err(text)?;
        let wallet = wallets.first().ok_or("there is no wallet")?;
        self.known.coin_wallet.clone_from(&wallet.id);
        self.known.coin_address = wallet.address.clone().ok_or("a wallet without address")?;
        self.known.user = number(&self.client.me().await.map_err(text)?.id)?;
        self.send_coins().await?;
        for name in [
            "POST /cash_deposits",
            "POST /withdrawal_instructions",
            "POST /buying_bots",
            "POST /selling_bots",
            "POST /merchants/payments",
            "POST /api_keys",
            "POST /webhooks",
            "POST /merchants/pos",
        ] {
            self.make(name).await?;
        }
        self.known.instruction = self.new_instruction().await?;
        for name in ["POST /cash_withdrawals", "POST /coin_withdrawals"] {
            self.make(name).await?;
        }
        self.look_up().await
    }

    /// Notes one of each thing that there is.
    async fn look_up(&mut self) -> Result<(), String> {
        let client = self.client.clone();
        let first = |what: &str, id: Option<String>| number(&id.ok_or(format!("there is no {what}"))?);
        let known = &mut self.known;
        let deposits = client.cash_deposits(None).await.map_err(text)?;
        known.cash_deposit = first("cash deposit", deposits.first().map(|deposit| deposit.id.clone()))?;
        let coins = client.coin_deposits(None).await.map_err(text)?;
        known.coin_deposit = first("coin deposit", coins.first().map(|deposit| deposit.id.clone()))?;
        let addresses = client.bitcoin_addresses().await.map_err(text)?;
        known.bitcoin_address = first("address", addresses.first().map(|address| address.id.clone()))?;
        let cash = client.cash_withdrawals(None).await.map_err(text)?;
        known.cash_withdrawal = first("cash withdrawal", cash.first().map(|sent| sent.id.clone()))?;
        let coins = client.coin_withdrawals(None).await.map_err(text)?;
        known.coin_withdrawal = first("coin withdrawal", coins.first().map(|sent| sent.id.clone()))?;
        let payments = client.payments().await.map_err(text)?;
        known.payment = first("payment", payments.first().map(|payment| payment.id.clone()))?;
        known.api_key = newest(client.api_keys().await.map_err(text)?.iter().map(|key| key.id))?;
        for (slot, side) in known.bots.iter_mut().zip([Side::Buy, Side::Sell]) {
            *slot = newest(client.bots(side).await.map_err(text)?.iter().map(|bot| bot.id))?;
        }
        Ok(())
    }

    async fn make(&self, name: &str) -> Result<(), String> {
        match ask(&self.client, &self.known, name).await? {
            Said::Done(_) => Ok(()),
            other => Err(format!("{name}: {other:?}")),
        }
    }

    async fn new_instruction(&self) -> Result<u64, String> {
        let made = self.client.create_withdrawal_instruction("bank", &bank()).await;
        number(&acknowledged(made)?.id)
    }

    /// Coins arrive, as only the administration can make them.
    async fn send_coins(&self) -> Result<(), String> {
        let address = self.sandbox.admin_url().trim_start_matches("http://").to_owned();
        let body = format!("{{\"address\": \"{}\", \"amount\": \"0.1\"}}", self.known.coin_address);
        let answer = tokio::task::spawn_blocking(move || post(&address, "/coins", &body)).await;
        let answer = answer.map_err(text)?.map_err(text)?;
        if !answer.starts_with("HTTP/1.1 20") {
            return Err(format!("coins were not sent: {answer}"));
        }
        self.sandbox.advance(Span::from_secs(10));
        Ok(())
    }

    /// Lets the exchange's engine work.
    fn settle(&self) {
        self.sandbox.advance(Span::from_millis(300));
    }

    /// Requests that arrived so far.
    pub fn requests(&self) -> u64 {
        self.sandbox.requests().values().sum()
    }

    /// Asks without any preparation.
    pub async fn ask(&self, endpoint: &Endpoint) -> Result<Said, String> {
        ask(&self.client, &self.known, endpoint.name).await
    }

    /// One fault at one endpoint.
    pub async fn cell(&mut self, fault: &Fault, endpoint: &Endpoint) -> Result<Cell, String> {
        self.prepare(endpoint).await?;
        let clean = match endpoint.effect {
            // A cancellation would leave nothing to cancel.
            Effect::Repeatable if endpoint.bare => Said::Done("()".to_owned()),
            Effect::Read | Effect::Repeatable => self.ask(endpoint).await?,
            Effect::Create => Said::Done(String::new()),
        };
        let before = self.count(endpoint.name).await?;
        let arrived = self.arrived(endpoint.name);
        self.sandbox.set_faults(vec![fault.rule(endpoint.name)]).map_err(text)?;
        let silence = fault.expect == Expect::Silence;
        let [first, second] = &self.impatient;
        let mut tried = self.attempt(if silence { first } else { &self.client }, endpoint).await?;
        if silence && tried.1 == 0 {
            // On a machine that is busy with other things, time was up before the request got there.
            tried = self.attempt(second, endpoint).await?;
        }
        let (said, hits, elapsed) = tried;
        let arrived = self.arrived(endpoint.name) - arrived;
        self.sandbox.set_faults(Vec::new()).map_err(text)?;
        // Long enough for what is carried out late.
        self.sandbox.advance(Span::from_secs(20));
        let created = self.count(endpoint.name).await?.saturating_sub(before);
        self.clean_up(endpoint.name).await?;
        Ok(Cell { said, clean, arrived, created, hits, elapsed, token: self.token.clone() })
    }

    /// Asks once, and counts how often the fault struck.
    async fn attempt(&self, client: &Client, endpoint: &Endpoint) -> Result<(Said, u64, Duration), String> {
        // Pages and refusals make a budget wait, so that each attempt has its own.
        let client = client.with_budget(Budget::unlimited());
        let started = Instant::now();
        let said = ask(&client, &self.known, endpoint.name).await?;
        let elapsed = started.elapsed();
        Ok((said, self.hits().await, elapsed))
    }

    /// A request may still be on its way when its sender has given up.
    async fn hits(&self) -> u64 {
        for _ in 0..200 {
            let hits: u64 = self.sandbox.fault_counts().iter().map(|count| count.hits).sum();
            if hits > 0 {
                return hits;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        0
    }

    fn arrived(&self, name: &str) -> u64 {
        self.sandbox.requests().get(name).copied().unwrap_or(0)
    }

    /// Makes what the endpoint uses up.
    async fn prepare(&mut self, endpoint: &Endpoint) -> Result<(), String> {
        self.known.price = Price::from_units(self.known.price.units() + 1);
        self.known.password = password(&self.sandbox)?;
        let far = Price::from_units(900_000_000_000);
        match endpoint.name {
            "DELETE /withdrawal_instructions/{id}" => self.known.instruction = self.new_instruction().await?,
            "GET /withdrawal_instructions/{id}" | "POST /cash_withdrawals"
                if self.client.withdrawal_instruction(self.known.instruction).await.is_err() =>
            {
                self.known.instruction = self.new_instruction().await?;
            }
            "DELETE /api_keys/{id}" | "GET /api_keys/{id}"
                if self.client.api_key(self.known.api_key).await.is_err() =>
            {
                self.make("POST /api_keys").await?;
                let keys = self.client.api_keys().await.map_err(text)?;
                self.known.api_key = newest(keys.iter().map(|key| key.id))?;
            }
            "POST /bids/{id}/cancel" => {
                self.known.orders[0] = self.place(Side::Buy, self.known.price).await?;
            }
            "POST /asks/{id}/cancel" => self.known.orders[1] = self.place(Side::Sell, far).await?,
            "POST /buying_bots/{id}/cancel" => self.known.bots[0] = self.new_bot(Side::Buy).await?,
            "POST /selling_bots/{id}/cancel" => self.known.bots[1] = self.new_bot(Side::Sell).await?,
            "POST /merchants/payments" => {
                // What a payment is quoted at.
                self.place(Side::Buy, Price::from_units(400_000_000_000)).await?;
            }
            _ => {}
        }
        Ok(())
    }

    async fn place(&self, side: Side, price: Price) -> Result<VenueOrderId, String> {
        let units = if side == Side::Buy { 1_000_000_000 } else { 100_000 };
        let placed = acknowledged(self.client.place_order(&order(side, units, price), &|| Ok(())).await)?;
        self.settle();
        Ok(placed.id)
    }

    async fn new_bot(&self, side: Side) -> Result<u64, String> {
        let size = order(side, if side == Side::Buy { 100_000_000 } else { 100_000 }, self.known.price).size;
        acknowledged(self.client.create_bot("btc_usd", size).await).map(|bot| bot.id)
    }

    /// Books stay short.
    async fn clean_up(&self, name: &str) -> Result<(), String> {
        if ["POST /bids", "POST /asks"].contains(&name) {
            self.client.cancel_orders(pampero_exchange::CancelScope::Everything).await.map_err(text)?;
            self.settle();
        }
        Ok(())
    }

    /// How many things of the kind that an endpoint creates there are.
    async fn count(&self, name: &str) -> Result<usize, String> {
        let client = &self.client;
        let count = match name {
            "POST /bids" | "POST /asks" => {
                let price = self.known.price;
                Ok(self.sandbox.accepted_orders().iter().filter(|order| order.price == price).count())
            }
            "POST /buying_bots" => client.bots(Side::Buy).await.map(|all| all.len()),
            "POST /selling_bots" => client.bots(Side::Sell).await.map(|all| all.len()),
            "POST /cash_deposits" => client.cash_deposits(None).await.map(|all| all.len()),
            "POST /withdrawal_instructions" => client.withdrawal_instructions().await.map(|all| all.len()),
            "POST /cash_withdrawals" => client.cash_withdrawals(None).await.map(|all| all.len()),
            "POST /coin_withdrawals" => client.coin_withdrawals(None).await.map(|all| all.len()),
            "POST /merchants/payments" => client.payments().await.map(|all| all.len()),
            "POST /api_keys" => client.api_keys().await.map(|all| all.len()),
            _ => Ok(0),
        };
        count.map_err(text)
    }
}

fn client(sandbox: &Sandbox, token: &str, patience: Duration, known: bool) -> Result<Client, String> {
    let environment = Environment::local(&sandbox.url()).map_err(text)?;
    let key = ApiKey::new(token.into(), &environment).map_err(text)?;
    let mut config = Config::new(environment);
    let connect = Duration::from_secs(20);
    config.timeouts = Timeouts { connect, read: patience, repeatable: patience, create: patience };
    (config.longest_read, config.longest_answer) = (512 << 10, 128 << 10);
    if let Some(certificate) = sandbox.certificate().filter(|_| known) {
        config.tls.roots = certificate.as_bytes().to_vec();
    }
    Client::new(config, Budget::unlimited()).map_err(text)?.with_key(key).map_err(text)
}

/// Numbers of things that need not be there.
fn nothing(password: OneTimePassword) -> Known {
    Known {
        orders: [VenueOrderId(1); 2],
        fill: FillId(1),
        bots: [1; 2],
        coin_wallet: "btc".to_owned(),
        coin_address: "mzBc4XEFSdzCDcTxAgf6EZXgsZWpztRhef".to_owned(),
        cash_deposit: 1,
        coin_deposit: 1,
        bitcoin_address: 1,
        instruction: 1,
        cash_withdrawal: 1,
        coin_withdrawal: 1,
        payment: 1,
        api_key: 1,
        user: 1,
        password,
        price: Price::from_units(20_000_000_011),
    }
}

fn password(sandbox: &Sandbox) -> Result<OneTimePassword, String> {
    let code = one_time_password(&sandbox.otp_secret(), sandbox.now()).ok_or("no one-time password")?;
    OneTimePassword::new(&code).map_err(text)
}

fn acknowledged<T: std::fmt::Debug>(outcome: Outcome<T>) -> Result<T, String> {
    match outcome {
        Outcome::Acknowledged(value) => Ok(value),
        other => Err(format!("{other:?}")),
    }
}

fn newest(ids: impl Iterator<Item = u64>) -> Result<u64, String> {
    ids.max().ok_or_else(|| "nothing was made".to_owned())
}

fn number(id: &str) -> Result<u64, String> {
    id.parse().map_err(|_| format!("`{id}` is not a number"))
}

#[allow(clippy::needless_pass_by_value)] // for map_err
fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// A request to the administration; the whole answer.
fn post(address: &str, path: &str, body: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    let length = body.len();
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}
