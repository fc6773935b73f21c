// Opens reports in a headless Chromium and uses them as a reader does. Usage: node check.mjs CHROMIUM FOLDER
// FOLDER holds hundred_thousand.html, million.html and empty.html; screenshots are left in it. Prints what it measured.
import assert from 'node:assert/strict';
import { pathToFileURL } from 'node:url';
import path from 'node:path';
import puppeteer from 'puppeteer-core';

const [executablePath, folder] = process.argv.slice(2);
const browser = await puppeteer.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
const CHARTS = ['equity', 'drawdown', 'price', 'position', 'exposure'];

async function open(name, { width = 1400, scheme = 'light' } = {}) {
  const page = await browser.newPage();
  const complaints = [], requests = [];
  page.on('console', message => complaints.push(`${message.type()}: ${message.text()}`));
  page.on('pageerror', error => complaints.push(error.message));
  page.on('request', request => requests.push(request.url()));
  await page.setViewport({ width, height: 900 });
  await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
  const url = pathToFileURL(path.join(folder, name)).href;
  await page.goto(url);
  return { page, complaints, requests, url, drawn: () => page.waitForSelector('html[data-drawn]', { timeout: 60_000 }) };
}

/// The share of a chart's canvas that is painted.
const painted = (page, chart) => page.$eval(`#${chart} canvas`, canvas => {
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  let count = 0;
  for (let at = 3; at < data.length; at += 4) count += Number(data[at] > 0);
  return count / (data.length / 4);
});
const picture = (page, chart) => page.$eval(`#${chart} canvas`, canvas => canvas.toDataURL());
const shown = page => page.$eval('#toolbar output', output => output.textContent);
const settled = page => page.evaluate(() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done))));

async function looksRight(width, scheme) {
  const { page, complaints, requests, url, drawn } = await open('hundred_thousand.html', { width, scheme });
  await drawn();
  for (const chart of CHARTS) assert.ok(await painted(page, chart) > 0.005, `${chart} is blank`);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(wide <= width, `the page is ${wide} px wide in a window of ${width}`);
  const back = await page.evaluate(() => getComputedStyle(document.body).backgroundColor.match(/\d+/g).map(Number));
  assert.equal(back[0] < 100, scheme === 'dark', `the page is ${back} when the reader prefers ${scheme}`);
  await page.screenshot({ path: path.join(folder, `report-${width}-${scheme}.png`), fullPage: true });
  assert.deepEqual(requests, [url], 'something was fetched');
  assert.deepEqual(complaints, []);
  await page.close();
}

async function canBeUsed() {
  const { page, complaints, drawn } = await open('hundred_thousand.html');
  await drawn();
  const whole = await shown(page), before = await picture(page, 'price');

  await page.click('button[aria-label="Show a month"]');
  await settled(page);
  assert.notEqual(await shown(page), whole);
  assert.notEqual(await picture(page, 'price'), before, 'zooming drew nothing new');
  assert.equal(await page.$eval('button[aria-label="Show a month"]', button => button.ariaPressed), 'true');

  // Dragging across one chart zooms all of them; a double click goes back.
  const month = await shown(page), equity = await picture(page, 'equity');
  await page.$eval('#price .plot', plot => plot.scrollIntoView({ block: 'center' }));
  const box = await (await page.$('#price .u-over')).boundingBox();
  await page.mouse.move(box.x + box.width * 0.3, box.y + 50);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.5, box.y + 60, { steps: 5 });
  await page.mouse.up();
  await settled(page);
  assert.notEqual(await shown(page), month);
  assert.notEqual(await picture(page, 'equity'), equity, 'the other charts stayed');
  await page.mouse.click(box.x + box.width * 0.4, box.y + 50, { count: 2 });
  await settled(page);
  assert.equal(await shown(page), whole);

  // The readout says the values under the pointer.
  const readout = () => page.$eval('#equity .readout', place => place.textContent);
  const last = await readout();
  await page.mouse.move(box.x + box.width * 0.25, box.y + 50);
  await settled(page);
  assert.notEqual(await readout(), last, 'hovering over one chart tells nothing in another');

  await page.focus('#equity .plot');
  await page.keyboard.press('+');
  await settled(page);
  const near = await shown(page);
  assert.notEqual(near, whole);
  await page.keyboard.press('ArrowLeft');
  assert.notEqual(await shown(page), near);
  await page.keyboard.press('Home');
  assert.equal(await shown(page), whole);

  const about = () => page.$eval('#about-sharpe', tip => getComputedStyle(tip).display);
  assert.equal(await about(), 'none');
  await page.focus('[aria-describedby=about-sharpe]');
  assert.equal(await about(), 'block');

  // A change of the system's colours is followed at once.
  const light = await picture(page, 'drawdown');
  await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: 'dark' }]);
  await settled(page);
  assert.notEqual(await picture(page, 'drawdown'), light);
  assert.equal(await page.evaluate(() => window.injected), undefined, 'text of the run was taken for markup');
  assert.deepEqual(complaints, []);
  await page.close();
}

/// Milliseconds from the navigation to the first drawing, and of each drawing after a zoom or a move.
async function measure(name) {
  const { page, complaints, drawn } = await open(name);
  await drawn();
  for (let step = 0; step < 12; step++) {
    await page.click('button[aria-label="Zoom in"]');
    await page.click('button[aria-label="Later"]');
  }
  await page.click('button[aria-label="Show the whole run"]');
  const measured = await page.evaluate(() => ({
    first: performance.getEntriesByName('drawn')[0].startTime,
    redraws: performance.getEntriesByName('redraw').map(entry => entry.duration).sort((a, b) => a - b),
  }));
  assert.equal(measured.redraws.length, 25);
  assert.deepEqual(complaints, []);
  await page.close();
  return { first: Math.round(measured.first), redraw: measured.redraws[12], slowest: measured.redraws[24] };
}

/// Without anything to draw the page still stands.
async function empty() {
  const { page, complaints } = await open('empty.html');
  await page.waitForSelector('footer');
  assert.equal(await page.$('canvas'), null);
  assert.deepEqual(complaints, []);
  await page.close();
}

/// A browser that cannot inflate shows the picture.
async function old() {
  const page = await browser.newPage();
  await page.evaluateOnNewDocument(() => { delete globalThis.DecompressionStream; });
  await page.goto(pathToFileURL(path.join(folder, 'hundred_thousand.html')).href);
  await page.waitForSelector('#charts svg');
  await page.close();
}

try {
  for (const width of [1400, 380]) for (const scheme of ['light', 'dark']) await looksRight(width, scheme);
  await canBeUsed();
  await empty();
  await old();
  const figures = { hundred_thousand: await measure('hundred_thousand.html'), million: await measure('million.html') };
  console.log(JSON.stringify(figures));
} finally {
  await browser.close();
}
