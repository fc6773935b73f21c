// Drives a sandbox with heather-js, the JSON:API layer of the exchange's official JavaScript client.
// Arguments: the sandbox's URL, a trading key, a key for funds, a key for keys, a one-time password.
const assert = require('assert')
const Heather = require('heather-js').default

const [url, trade, funds, admin, password] = process.argv.slice(2)

// Models as the official client has them: every field posted, mostly null; a path of its own where the type differs.
class Ask { constructor () { Object.assign(this, { amount: null, remaining_amount: null, price: null, orderbook_code: null, user: null }) } }
class Bid extends Object { constructor () { super(); Object.assign(this, { amount: null, remaining_amount: null, price: null, orderbook_code: null, user: null }) } }
class Order { static path () { return 'orders' } }
class Market { constructor () { Object.assign(this, { asks: [], bids: [], transactions: [], candles: [] }) } }
class OrderGroup {}
class Transaction {}
class Candle {}
class Ticker {}
class Orderbook {}
class CashWallet {}
class CoinWallet {}
class Buy { constructor () { this.order = null } }
class Sell { constructor () { this.order = null } }
class BuyingBot { constructor () { Object.assign(this, { amount: null, remaining_amount: null, chunk_size: null, eta: null, executing: null, to_cancel: null, user: null, orderbook_code: null }) } }
class ApiKey { constructor () { Object.assign(this, { write: null, token: null }) } }
class WithdrawalInstruction { constructor () { Object.assign(this, { label: null, body: null }) } }
class CashWithdrawal {
  constructor () { Object.assign(this, { amount: null, fiat: null, label: null, status: null, created_at: null, payment_method: null, fiat_code: null, withdrawal_instruction: null }) }
}
class Account { constructor () { this.user = null } }
class User {}

function client (key) {
  const client = new Heather(url + '/api')
  const models = [Ask, Bid, Order, Market, OrderGroup, Transaction, Candle, Ticker, Orderbook, CashWallet, CoinWallet, Buy, Sell, BuyingBot, ApiKey, WithdrawalInstruction, CashWithdrawal, Account, User]
  models.forEach(model => client.define(model))
  client.setHeader('Authorization', key)
  client.setHeader('Version', '2.0')
  return client
}

const build = (Model, fields) => Object.assign(new Model(), fields)
const pause = millis => new Promise(resolve => setTimeout(resolve, millis))
async function status (promise) {
  try { await promise } catch (error) { return error.response.status }
  return 'success'
}

async function main () {
  const trader = client(trade)

  const ask = await trader.create({ resource: build(Ask, { amount: 0.5, price: 4400, orderbook_code: 'btc_usd' }), type: Ask })
  assert(ask instanceof Ask)
  assert.deepStrictEqual([ask.id, ask.amount, ask.price, ask.status], ['1', 0.5, 4400, 'pending'])
  const bid = await trader.create({ resource: build(Bid, { amount: 11, price: 4000, orderbook_code: 'btc_usd' }), type: Bid })
  await pause(300)
  assert.strictEqual((await trader.find({ type: Ask, id: ask.id })).status, 'executing')
  assert.strictEqual((await trader.findAll({ type: Ask, filter: { orderbook_code: 'btc_usd' } })).length, 1)
  assert.deepStrictEqual((await trader.findAll({ type: Order })).map(order => order.constructor.name), ['Bid', 'Ask'])

  const market = await trader.find({ type: Market, id: 'btc_usd' })
  assert.deepStrictEqual(market.asks.map(level => [level.price, level.amount]), [[4400, 0.5]])
  assert.deepStrictEqual(market.bids.map(level => [level.price, level.amount]), [[4000, 0.00275]])

  await trader.create({ resource: build(Bid, { amount: 22, price: 4400, orderbook_code: 'btc_usd' }), type: Bid })
  await pause(300)
  const buys = await trader.findAll({ type: Buy, customParams: { limit: 2 } })
  assert.deepStrictEqual([buys.length, buys[0].cash_amount, buys[0].fee_currency, buys[0].order.id], [1, 22, 'BTC', '2'])
  assert.strictEqual((await trader.findAll({ type: Transaction, filter: { orderbook_code: 'btc_usd', from: 2 } }))[0].price, 4400)
  assert.strictEqual((await trader.findAll({ type: Candle, filter: { orderbook_code: 'btc_usd', days: 1 }, customParams: { span: 24 } }))[0].close, 4400)
  assert.strictEqual((await trader.find({ type: Ticker, id: 'btc_usd' })).last, 4400)
  assert.strictEqual((await trader.findAll({ type: Orderbook })).length, 6)

  await trader.customAction({ type: Ask, resource: build(Ask, { id: 1 }), action: 'cancel' })
  await trader.customAction({ type: Order, action: 'cancel' })
  await pause(300)
  assert.deepStrictEqual(await trader.findAll({ type: Order }), [])
  assert.strictEqual((await trader.find({ type: Ask, id: 1 })).status, 'cancelled')

  const bot = await trader.create({ resource: build(BuyingBot, { amount: 100, orderbook_code: 'btc_usd' }), type: BuyingBot })
  assert.deepStrictEqual([bot.chunk_size, bot.executing], [5, true])
  await trader.customAction({ type: BuyingBot, resource: build(BuyingBot, { id: bot.id }), action: 'cancel' })

  assert.strictEqual((await trader.find({ type: CashWallet, id: 'USD' })).currency, 'usd')
  assert.strictEqual((await trader.find({ type: CoinWallet, id: 'btc' })).currency, 'btc')
  assert.strictEqual((await trader.findAll({ type: Account }))[0].user.constructor.name, 'User')

  const treasurer = client(funds)
  const body = { name: 'John Doe', payment_method: 'domestic_bank', country: 'AR', currency: 'ARS' }
  const instruction = await treasurer.create({ resource: build(WithdrawalInstruction, { label: 'Local Bank', body }), type: WithdrawalInstruction })
  assert.deepStrictEqual(instruction.body, body)
  const withdrawal = build(CashWithdrawal, { amount: 100, fiat_code: 'ars', withdrawal_instruction: build(WithdrawalInstruction, { id: Number(instruction.id) }) })
  assert.strictEqual(await status(treasurer.create({ resource: withdrawal, type: CashWithdrawal })), 401)
  treasurer.setHeader('One-Time-Password', password)
  const withdrawn = await treasurer.create({ resource: withdrawal, type: CashWithdrawal })
  assert.deepStrictEqual([withdrawn.status, withdrawn.withdrawal_instruction.label], ['received', 'Local Bank'])
  assert.strictEqual(await treasurer.delete({ resource: build(WithdrawalInstruction, { id: Number(instruction.id) }) }), '')

  const keeper = client(admin)
  keeper.setHeader('One-Time-Password', password)
  const key = await keeper.create({ resource: build(ApiKey, { write: true }), type: ApiKey })
  assert.strictEqual(key.token.length, 80)
  assert.strictEqual((await client(key.token).findAll({ type: ApiKey })).length, 5)
  await keeper.delete({ resource: build(ApiKey, { id: Number(key.id) }) })
  assert.strictEqual(await status(client(key.token).findAll({ type: ApiKey })), 401)

  assert.strictEqual(await status(trader.find({ type: Market, id: 'unexistent_orderbook' })), 404)
  assert.strictEqual(await status(client('we_dont_care').findAll({ type: Account })), 401)
  const tiny = build(Ask, { amount: 1e-8, price: 50.2, orderbook_code: 'btc_usd' })
  assert.strictEqual(await status(trader.create({ resource: tiny, type: Ask })), 422)
  console.log('every step passed')
}

main().catch(error => { console.error(error); process.exit(1) })
