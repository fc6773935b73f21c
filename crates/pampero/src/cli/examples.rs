//! What the help of each command that talks to the exchange ends with: examples and exit codes.

pub(super) const WHOAMI: &str = "\
Examples:
  pampero whoami
      the user of a running `pampero sandbox`
  pampero whoami --env production --key trade
      the user behind the production key that trades

Exit codes: 0 done, 1 failed, 2 command line, 3 key, 5 refused by the exchange";

pub(super) const BALANCES: &str = "\
Examples:
  pampero balances
      total, available and locked, by currency
  pampero balances --env sandbox --json
      the same of the exchange's sandbox, for programs

Exit codes: 0 done, 1 failed, 2 command line, 3 key, 5 refused by the exchange";

pub(super) const MARKET: &str = "\
Examples:
  pampero market btc_usd
      ten levels of each side and the last trades
  pampero market btc_usd --env production --levels 50
      more of it, from the real exchange; no key is needed

Exit codes: 0 done, 1 failed, 2 command line, 3 key, 5 refused by the exchange";

pub(super) const TICKER: &str = "\
Examples:
  pampero ticker
      every market
  pampero ticker btc_usd --json
      one, for programs

Exit codes: 0 done, 1 failed, 2 command line, 3 key, 5 refused by the exchange";

pub(super) const CANDLES: &str = "\
Examples:
  pampero candles btc_usd
      the last day by the hour
  pampero candles btc_usd --days 7 --span 8h
      the last week by thirds of a day

Exit codes: 0 done, 1 failed, 2 command line, 3 key, 5 refused by the exchange";

pub(super) const TRANSACTIONS: &str = "\
Examples:
  pampero transactions btc_usd
      what was traded in the last hour
  pampero transactions --hours 24 --json
      every market, a day back, for programs

Exit codes: 0 done, 1 failed, 2 command line, 3 key, 5 refused by the exchange";

pub(super) const ORDERS: &str = "\
Examples:
  pampero orders
      what stands on the books; pending orders are not in the list
  pampero orders buy:5035 sell:1597
      these two in whatever state they are

Exit codes: 0 done, 1 failed, 2 command line, 3 key, 5 refused by the exchange";

pub(super) const TRADES: &str = "\
Examples:
  pampero trades
      every own execution the exchange lists
  pampero trades btc_usd --days 7 --limit 20
      at most twenty of the last week

Exit codes: 0 done, 1 failed, 2 command line, 3 key, 5 refused by the exchange";

pub(super) const MOVEMENTS: &str = "\
Examples:
  pampero movements
      the statement of the last three days
  pampero movements --env production --json
      the same for programs

Exit codes: 0 done, 1 failed, 2 command line, 3 key, 5 refused by the exchange";

pub(super) const BUY_USAGE: &str = "pampero buy <MARKET> --spend <AMOUNT> <--price <PRICE>|--market>";

pub(super) const SELL_USAGE: &str = "pampero sell <MARKET> --amount <AMOUNT> <--price <PRICE>|--market>";

pub(super) const BUY: &str = "\
Examples:
  pampero buy btc_usd --spend 100 --price 3500
      spend up to 100 USD at no more than 3500 USD
  pampero buy btc_usd --spend 100 --market --bound 0.005 --yes
      at the market, at most 0.5 % beyond its best price, unasked

The order passes the same risk gate as a strategy's. Without --config these
limits hold: a price within 10 % of the market, a spread of at most 10 %, at
most a quarter of what the account holds of the two currencies, 20 open orders,
no order that is open already. Limits that need a history (daily loss,
drawdown, rates of orders) see this one order only. What an order at the market
does not get at once is cancelled.

Exit codes: 0 done, 1 failed, 2 command line, 3 configuration or key, 5 refused
or cancelled by the exchange, 6 refused by the risk gate or halted, 7 sent and
its fate unknown, 8 not confirmed";

pub(super) const SELL: &str = "\
Examples:
  pampero sell btc_usd --amount 0.01 --price 3700
      sell 0.01 BTC for at least 3700 USD each
  pampero sell btc_usd --amount 0.01 --market --config my.toml
      at the market, under the limits of my.toml

Limits and risk gate are as for `pampero buy`: see `pampero buy --help`.

Exit codes: 0 done, 1 failed, 2 command line, 3 configuration or key, 5 refused
or cancelled by the exchange, 6 refused by the risk gate or halted, 7 sent and
its fate unknown, 8 not confirmed";

pub(super) const CANCEL: &str = "\
Examples:
  pampero cancel buy:5035
      asks for it, and reads the order until it is final
  pampero cancel buy:5035 sell:1597 --json
      two of them, for programs

Exit codes: 0 all are final, 1 failed or not final in time, 2 command line,
3 key, 5 refused by the exchange";

pub(super) const CANCEL_ALL: &str = "\
Examples:
  pampero cancel-all btc_usd
      every own order of that market
  pampero cancel-all --everything
      every own order of the account, strategies' and other people's too

It does not stop a strategy from placing more: `pampero panic` does.

Exit codes: 0 none is left on the book, 1 failed or some are left, 2 command
line, 3 key, 5 refused by the exchange";

pub(super) const DEPOSITS: &str = "\
Examples:
  pampero deposits --from 2024-01-01
      cash and coins that came in since
  pampero deposits --how
      addresses for coins, instructions for cash

Exit codes: 0 done, 1 failed, 2 command line, 3 key, 5 refused by the exchange";

pub(super) const WITHDRAWALS: &str = "\
Examples:
  pampero withdrawals
      cash and coins that went out
  pampero withdrawals --from 2024-01-01 --json
      those since a day, for programs

Exit codes: 0 done, 1 failed, 2 command line, 3 key, 5 refused by the exchange";

pub(super) const INSTRUCTIONS: &str = "\
Examples:
  pampero instructions list
      the accounts that cash may be sent to
  pampero instructions create --label b --field payment_method=domestic_bank \\
      --field name=\"Ana\" --field country=AR --field currency=ARS --field cbu=…
  pampero instructions delete 12
      asks first

Exit codes: 0 done, 1 failed, 2 command line, 3 key, 5 refused by the exchange,
7 sent and its fate unknown, 8 not confirmed";

pub(super) const WITHDRAW: &str = "\
Examples:
  pampero withdraw \"0.01 BTC\" --to ADDRESS --otp 123456
      coins
  pampero withdraw \"100 USD\" --instruction 12 --otp 123456 --env production
      cash, to an account of `pampero instructions list`

It is sent at most once. Should its fate be unknown, look before you try again:
`pampero doctor` keeps it in mind.

Exit codes: 0 done, 1 failed, 2 command line, 3 key, 5 refused by the exchange,
7 sent and its fate unknown, 8 not confirmed";

pub(super) const PAYMENTS: &str = "\
Examples:
  pampero payments create \"25 USD\" --keep 0.1 --merchant-reference order-7
      asks for 25 USD in coins and keeps a tenth of them
  pampero payments watch 31
      follows payment 31 until it is settled or expired
  pampero payments list && pampero payments show 31
      all of them, and one
  pampero payments pos --slug cafe --name \"Café Sur\"
      a page where customers pay

Exit codes: 0 done, 1 failed, 2 command line, 3 key, 5 refused by the exchange,
7 sent and its fate unknown, 8 not confirmed";

pub(super) const WEBHOOKS: &str = "\
Examples:
  pampero webhooks set https://example.com/bitex
      events go there from now on
  pampero webhooks show
      where they go now
  pampero webhooks listen --listen 127.0.0.1:8080
      receives, verifies and prints them, each once, over restarts too

What does not prove to come from the exchange is answered 401 and not shown. A
payment's callback carries an API key: it is checked and never shown.

Exit codes: 0 done, 1 failed, 2 command line, 3 key, 5 refused by the exchange";

pub(super) const BOTS: &str = "\
Examples:
  pampero bots list
      those of this account
  pampero bots create btc_usd --spend 100
      the exchange buys for 100 USD, piece by piece
  pampero bots cancel buy:16
      asks it to end; its running order stays until it expires

These bots run at the exchange: no risk gate, no halt and no limit of yours
applies to them. `pampero panic` cancels their orders, not the bots.

Exit codes: 0 done, 1 failed, 2 command line, 3 key, 5 refused by the exchange,
7 sent and its fate unknown, 8 not confirmed";

pub(super) const KEYS: &str = "\
Examples:
  pampero keys create --permissions trading,get_balances --to trade --otp 123456
      a key that trades and sees balances, in a file of mode 0600
  pampero keys list
      numbers, permissions and beginnings
  pampero keys revoke 187
      it stops working at once

Permissions: fund_account, create_withdrawal, get_withdrawal, get_balances,
trading, payments, compliance, api_keys

Exit codes: 0 done, 1 failed, 2 command line, 3 key, 5 refused by the exchange,
7 sent and its fate unknown, 8 not confirmed";

pub(super) const PANIC: &str = "\
Examples:
  pampero panic --everything --env production
      halts, cancels all orders of the account, verifies, goes on watching
  pampero panic --config my.toml --revoke-key --no-watch
      only the markets of my.toml, then revokes the key that trades

In this order: the halt is latched, so that no process here places another
order; orders are cancelled before anything else is sent; then it is done only
when two readings at least 2 s apart show none, every known order is final and
the money that is still locked is explained. Known is what the exchange shows,
what was placed by hand here, and what the journal of the process that trades
says; an order of which nobody knows whether it arrived is watched for. Nothing
is asked. Trading goes on only after somebody resumes it.

Exit codes: 0 verified, 1 failed, 2 command line, 3 configuration or key,
9 not verified";

pub(super) const DOCTOR: &str = "\
Examples:
  pampero doctor
      of the local sandbox
  pampero doctor --env production --config my.toml
      before trading: limits and minimum sizes, too

Exit codes: 0 nothing is wrong (warnings may stand), 1 failed, 2 command line,
3 configuration, 9 something is wrong";
