// The charts of a report. Everything else on the page is plain HTML and needs no script.
'use strict';
(async () => {
  const byId = id => document.getElementById(id);
  // A run without equity has nothing to draw.
  if (!byId('charts')) return;
  const meta = JSON.parse(byId('meta').textContent);
  /// At most this many buckets are drawn of what is visible, each by its lowest and its highest value.
  const BUCKETS = 1000;

  // --- Data -----------------------------------------------------------------------------------------------

  /// The columns by name: differences as variable-length integers, deflated, in base64.
  async function unpack() {
    const text = byId('data').textContent.trim();
    const binary = atob(text);
    const packed = new Uint8Array(binary.length);
    for (let at = 0; at < binary.length; at++) packed[at] = binary.charCodeAt(at);
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream('deflate'));
    const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
    const columns = {};
    let at = 0;
    for (const { name, count, order, exponent } of meta.columns) {
      const values = new Float64Array(count);
      const scale = 10 ** Math.abs(exponent);
      let last = 0, step = 0;
      for (let index = 0; index < count; index++) {
        let byte = bytes[at++], coded = byte & 127, weight = 128;
        while (byte > 127) {
          byte = bytes[at++];
          coded += (byte & 127) * weight;
          weight *= 128;
        }
        const change = coded % 2 ? -(coded + 1) / 2 : coded / 2;
        step = order === 2 ? step + change : change;
        last += step;
        values[index] = exponent < 0 ? last / scale : last * scale;
      }
      columns[name] = values;
    }
    return columns;
  }

  /// The first index whose value is not below a bound.
  function lowerBound(values, bound) {
    let low = 0, high = values.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (values[middle] < bound) low = middle + 1; else high = middle;
    }
    return low;
  }

  /// Values with the places of the lowest and the highest in blocks of 32, 128, 512 … of them, so that the extremes of
  /// any stretch are found in a few steps.
  class Column {
    constructor(values) {
      this.values = values;
      this.levels = [];
      let lows = null, highs = null;
      for (let size = 32, ratio = 32; size <= values.length; size *= 4, ratio = 4) {
        const count = Math.floor(values.length / size);
        const low = new Int32Array(count), high = new Int32Array(count);
        for (let block = 0; block < count; block++) {
          let least = -1, most = -1;
          for (let part = block * ratio; part < (block + 1) * ratio; part++) {
            least = this.lower(least, lows ? lows[part] : part);
            most = this.higher(most, highs ? highs[part] : part);
          }
          low[block] = least;
          high[block] = most;
        }
        this.levels.push({ size, low, high });
        lows = low;
        highs = high;
      }
    }
    // What is not known is not a number, loses every comparison and is never chosen.
    lower(one, other) {
      if (other < 0 || Number.isNaN(this.values[other])) return one;
      return one < 0 || this.values[other] < this.values[one] ? other : one;
    }
    higher(one, other) {
      if (other < 0 || Number.isNaN(this.values[other])) return one;
      return one < 0 || this.values[other] > this.values[one] ? other : one;
    }
    /// Where the lowest and the highest value of `[from, to)` stand; -1 if there is none.
    extremes(from, to) {
      let least = -1, most = -1, at = from;
      while (at < to) {
        let level = this.levels.length - 1;
        while (level >= 0 && (at % this.levels[level].size || at + this.levels[level].size > to)) level--;
        if (level < 0) {
          least = this.lower(least, at);
          most = this.higher(most, at);
          at++;
        } else {
          const { size, low, high } = this.levels[level];
          least = this.lower(least, low[at / size]);
          most = this.higher(most, high[at / size]);
          at += size;
        }
      }
      return [least, most];
    }
  }

  /// What is to be drawn of some columns over the same times, between two of them.
  function visible(times, columns, [from, to]) {
    const start = Math.max(0, lowerBound(times, from) - 1);
    const end = Math.min(times.length, lowerBound(times, to) + 1);
    const known = value => Number.isNaN(value) ? null : value;
    if (end - start <= 4 * BUCKETS) {
      const part = values => Array.from(values.subarray(start, end), known);
      return [part(times), ...columns.map(column => part(column.values))];
    }
    const drawn = [[], ...columns.map(() => [])];
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      const first = start + Math.floor((end - start) * bucket / BUCKETS);
      const next = start + Math.floor((end - start) * (bucket + 1) / BUCKETS);
      drawn[0].push(times[first], times[next - 1]);
      columns.forEach((column, index) => {
        const [low, high] = column.extremes(first, next);
        const pair = low <= high ? [low, high] : [high, low];
        for (const at of pair) drawn[index + 1].push(at < 0 ? null : column.values[at]);
      });
    }
    return drawn;
  }

  // --- Text -----------------------------------------------------------------------------------------------

  const formatters = new Map();
  function fixed(value, digits) {
    if (!formatters.has(digits)) {
      const options = { minimumFractionDigits: digits, maximumFractionDigits: digits };
      formatters.set(digits, new Intl.NumberFormat('en-US', options));
    }
    return formatters.get(digits).format(value).replace('-', '\u2212');
  }
  const percent = (value, digits = 2) => `${fixed(value * 100, digits)} %`;
  const instant = time => new Date(time).toISOString().replace('T', ' ').slice(0, meta.seconds ? 19 : 16);
  /// Axis labels as short as the distance between them allows.
  function compact(splits) {
    const step = Math.abs(splits[1] - splits[0]) || 1;
    const largest = Math.max(...splits.map(Math.abs));
    const [unit, name] = largest >= 1e9 ? [1e9, 'G'] : largest >= 1e6 ? [1e6, 'M'] : largest >= 1e4 ? [1e3, 'k'] : [1, ''];
    const digits = Math.max(0, Math.min(8, -Math.floor(Math.log10(step / unit) + 1e-9)));
    return splits.map(value => fixed(value / unit, digits) + (value ? name : ''));
  }
  const escaped = text => text.replace(/[&<>"]/g, c => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c]);

  // --- The curves -----------------------------------------------------------------------------------------

  function curves(data) {
    const { time, equity, price } = data;
    const count = time.length;
    const hold = new Float64Array(count), drawdown = new Float64Array(count);
    const marks = new Float64Array(count);
    let bought = NaN, peak = -Infinity;
    const worth = data.unit ?? equity;
    for (let at = 0; at < count; at++) {
      marks[at] = price[at] > 0 ? price[at] : NaN;
      if (Number.isNaN(bought) && price[at] > 0) bought = equity[0] / price[at];
      hold[at] = bought * marks[at];
      peak = Math.max(peak, worth[at]);
      drawdown[at] = peak > 0 ? Math.max(-1, worth[at] / peak - 1) : 0;
    }
    return { hold, drawdown, marks };
  }

  /// The position of the main market after each of its fills, from the run's start to its end.
  function position(data) {
    const { time, fill_time: when, fill_change: change } = data;
    const times = new Float64Array(when.length + 2), held = new Float64Array(when.length + 2);
    times[0] = time[0];
    let base = held[0] = meta.held;
    when.forEach((at, index) => {
      times[index + 1] = at;
      held[index + 1] = base += change[index];
    });
    // Sums of decimals in floating point: what is below a unit of 1e-8 is not there.
    for (let at = 0; at < held.length; at++) held[at] = Math.round(held[at] * 1e8) / 1e8 + 0;
    times[times.length - 1] = time[time.length - 1];
    held[held.length - 1] = held[held.length - 2];
    return { times, held };
  }

  // --- Charts ---------------------------------------------------------------------------------------------

  const color = name => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const whole = [meta.from, Math.max(meta.to, meta.from + 1)];
  let view = whole;
  const charts = [];

  class Chart {
    /// `series`: label, colour, values, and how a value reads.
    constructor(id, { times, series, height, floor, ceiling, decorate, tell, stepped }) {
      Object.assign(this, { times, height, floor, ceiling, decorate, tell, stepped });
      this.series = series.map(one => ({ ...one, column: new Column(one.values) }));
      this.section = byId(id);
      this.readout = this.section.querySelector('.readout');
      this.plot = this.section.querySelector('.plot');
      this.build();
      new ResizeObserver(() => {
        const width = this.plot.clientWidth;
        if (width && width !== this.drawn.width) this.drawn.setSize({ width, height });
      }).observe(this.plot);
      navigation(this);
    }
    build() {
      this.drawn?.destroy();
      const font = '12px system-ui, sans-serif';
      const axis = { font, stroke: color('muted'), grid: { stroke: color('line'), width: 1 }, ticks: { show: false } };
      const line = one => ({
        label: one.label, stroke: color(one.color), width: one.width ?? 1.5, points: { show: false }, spanGaps: false,
        ...(one.fill ? { fill: color(one.fill), fillTo: 0 } : {}),
        ...(this.stepped ? { paths: uPlot.paths.stepped({ align: 1 }) } : {}),
      });
      this.drawn = new uPlot({
        width: this.plot.clientWidth, height: this.height, ms: 1, padding: [8, 34, 0, 0],
        tzDate: time => uPlot.tzDate(new Date(time), 'Etc/UTC'),
        legend: { show: false },
        cursor: {
          y: false, points: { show: false }, drag: { x: true, y: false, setScale: false },
          sync: { key: 'run', scales: ['x', null], setSeries: false,
            filters: { pub: kind => kind === 'mousemove' || kind === 'mouseleave' } },
          bind: { dblclick: () => () => { show(whole); return null; } },
        },
        scales: { x: { time: true, range: () => view }, y: { range: () => this.range } },
        axes: [
          { ...axis, space: 76, size: 42, values: timeLabels },
          { ...axis, space: 34, size: 62, gap: 6, values: (_, splits) => this.series[0].axis?.(splits) ?? compact(splits) },
        ],
        series: [{}, ...this.series.map(line)],
        hooks: {
          // Before the curves, which stay visible among many marks.
          drawAxes: [drawn => this.decorate?.(drawn)],
          setSelect: [drawn => {
            if (drawn.select.width < 4) return;
            const edges = [drawn.select.left, drawn.select.left + drawn.select.width].map(x => drawn.posToVal(x, 'x'));
            drawn.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
            show(edges);
          }],
          setCursor: [drawn => this.read(drawn.cursor.left >= 0 ? drawn.posToVal(drawn.cursor.left, 'x') : null)],
        },
      }, this.select(), this.plot);
      this.read(null);
    }
    /// Takes the visible part, and from it the range of values.
    select() {
      const drawn = visible(this.times, this.series.map(one => one.column), view);
      let low = this.floor ?? Infinity, high = this.ceiling ?? -Infinity;
      for (const values of drawn.slice(1)) {
        for (const value of values) {
          if (value === null) continue;
          if (value < low) low = value;
          if (value > high) high = value;
        }
      }
      if (!(low <= high)) [low, high] = [0, 1];
      const margin = (high - low || Math.abs(high) || 1) * 0.06;
      this.range = [low === this.floor ? low : low - margin, high === this.ceiling ? high : high + margin];
      return drawn;
    }
    update() {
      this.drawn.batch(() => {
        this.drawn.setData(this.select(), false);
        this.drawn.setScale('x', { min: view[0], max: view[1] });
        this.drawn.setScale('y', { min: this.range[0], max: this.range[1] });
      });
    }
    /// Writes the values at a time, from the data itself and not from what is drawn; the last ones without a time.
    read(time) {
      const last = this.times.length - 1;
      let at = time === null ? Math.min(last, lowerBound(this.times, view[1])) : lowerBound(this.times, time);
      // Of the two neighbours the nearer; of steps the one before.
      if (at > 0 && (at > last || (time !== null && this.times[at] !== time
        && (this.stepped || time - this.times[at - 1] < this.times[at] - time)))) at--;
      const parts = this.series.map(one => {
        const value = one.values[at];
        const shown = Number.isNaN(value) ? 'n/a' : one.show(value);
        return `<span><i class="key" style="background:var(--${one.color})"></i>${one.label} <b>${shown}</b></span>`;
      });
      const told = time === null ? '' : this.tell?.(time, this.drawn) ?? '';
      const when = this.stepped && time !== null ? time : this.times[at];
      this.readout.innerHTML = `${instant(when)} &ensp;${parts.join(' &ensp;')}${told}`;
    }
  }

  /// Time labels in UTC, as fine as their distance.
  function timeLabels(_, splits, __, ___, step) {
    const DAY = 86_400_000;
    let day = '';
    return splits.map(time => {
      const text = new Date(time).toISOString();
      if (step >= 28 * DAY) return text.slice(0, 7);
      if (step >= DAY) return text.slice(0, 10);
      const [date, clock] = [text.slice(5, 10), text.slice(11, step < 60_000 ? 19 : 16)];
      const label = date === day ? clock : `${clock}\n${date}`;
      day = date;
      return label;
    });
  }

  /// Shows a stretch of the run in every chart.
  function show([from, to]) {
    const started = performance.now();
    const length = Math.min(Math.max(to - from, meta.step), whole[1] - whole[0]);
    const middle = (from + to) / 2;
    const start = Math.min(Math.max(middle - length / 2, whole[0]), whole[1] - length);
    view = [start, start + length];
    for (const chart of charts) chart.update();
    // The library draws in a microtask; this one comes after it.
    queueMicrotask(() => performance.measure('redraw', { start: started, end: performance.now() }));
    for (const chart of charts) chart.read(null);
    tellView();
  }
  const zoom = (factor, share = 0.5) => {
    const length = view[1] - view[0], at = view[0] + length * share;
    show([at - length * factor * share, at + length * factor * (1 - share)]);
  };
  const pan = share => {
    const move = (view[1] - view[0]) * share;
    show([view[0] + move, view[1] + move]);
  };

  /// Keys, the wheel with Ctrl, and fingers.
  function navigation({ plot }) {
    const keys = {
      ArrowLeft: () => pan(-0.2), ArrowRight: () => pan(0.2), '+': () => zoom(0.5), '=': () => zoom(0.5),
      '-': () => zoom(2), 0: () => show(whole), Home: () => show(whole), Escape: () => show(whole),
    };
    plot.addEventListener('keydown', event => {
      const act = event.ctrlKey || event.metaKey || event.altKey ? undefined : keys[event.key];
      if (act) { event.preventDefault(); act(); }
    });
    const shareOf = x => { const box = plot.querySelector('.u-over').getBoundingClientRect(); return (x - box.left) / box.width; };
    plot.addEventListener('wheel', event => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      zoom(event.deltaY > 0 ? 1.25 : 0.8, Math.min(1, Math.max(0, shareOf(event.clientX))));
    }, { passive: false });
    const fingers = new Map();
    const grip = () => {
      const at = [...fingers.values()].map(shareOf);
      return at.length > 1 ? { middle: (at[0] + at[1]) / 2, width: Math.abs(at[0] - at[1]) } : { middle: at[0], width: 0 };
    };
    plot.addEventListener('pointerdown', event => { if (event.pointerType === 'touch') fingers.set(event.pointerId, event.clientX); });
    plot.addEventListener('pointermove', event => {
      if (!fingers.has(event.pointerId)) return;
      const before = grip();
      fingers.set(event.pointerId, event.clientX);
      const after = grip();
      if (before.width > 0.02 && after.width > 0.02) zoom(before.width / after.width, after.middle);
      pan(before.middle - after.middle);
    });
    for (const kind of ['pointerup', 'pointercancel']) {
      plot.addEventListener(kind, event => fingers.delete(event.pointerId));
    }
  }

  const toolbar = byId('toolbar'), buttons = [];
  function button(text, label, act) {
    const made = document.createElement('button');
    made.type = 'button';
    made.textContent = text;
    made.setAttribute('aria-label', label);
    made.addEventListener('click', act);
    toolbar.insertBefore(made, toolbar.querySelector('output'));
    return made;
  }
  function tellView() {
    toolbar.querySelector('output').textContent = `${instant(view[0])} to ${instant(view[1])} UTC`;
    for (const { made, length } of buttons) {
      made.setAttribute('aria-pressed', String(Math.abs(view[1] - view[0] - length) < meta.step / 2));
    }
  }
  function fillToolbar() {
    const HOUR = 3_600_000, DAY = 24 * HOUR, all = whole[1] - whole[0];
    const stretches = [['1y', 'a year', 365 * DAY], ['3m', 'three months', 91 * DAY], ['1m', 'a month', 30 * DAY],
      ['1w', 'a week', 7 * DAY], ['1d', 'a day', DAY], ['1h', 'an hour', HOUR]];
    buttons.push({ made: button('All', 'Show the whole run', () => show(whole)), length: all });
    for (const [text, label, length] of stretches.filter(([, , length]) => length < all && length >= 8 * meta.step)) {
      const last = () => {
        const end = view[1] - view[0] >= all ? whole[1] : (view[0] + view[1] + length) / 2;
        show([end - length, end]);
      };
      buttons.push({ made: button(text, `Show ${label}`, last), length });
    }
    button('\u2212', 'Zoom out', () => zoom(2));
    button('+', 'Zoom in', () => zoom(0.5));
    button('\u2190', 'Earlier', () => pan(-0.5));
    button('\u2192', 'Later', () => pan(0.5));
  }

  /// Entries and exits as triangles; where they lie on top of each other one stands for all.
  function fillMarks(data) {
    const { fill_time: when, fill_price: price, fill_change: change } = data;
    return drawn => {
      const { ctx, bbox } = drawn;
      // Many are drawn small, so that the price remains to be seen.
      const first = lowerBound(when, view[0]), next = lowerBound(when, view[1] + 1);
      const crowded = next - first > bbox.width / devicePixelRatio / 8;
      const size = (crowded ? 3 : 5) * devicePixelRatio, taken = new Set();
      const paint = [color('bad'), color('good')];
      ctx.save();
      ctx.beginPath();
      ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
      ctx.clip();
      ctx.strokeStyle = color('card');
      ctx.lineWidth = devicePixelRatio;
      for (let at = first; at < next; at++) {
        const x = drawn.valToPos(when[at], 'x', true), y = drawn.valToPos(price[at], 'y', true);
        const buys = change[at] > 0;
        const cell = (Math.round(x / size) * 65_536 + Math.round(y / size)) * 2 + Number(buys);
        if (taken.has(cell)) continue;
        taken.add(cell);
        const sign = buys ? 1 : -1;
        ctx.fillStyle = paint[Number(buys)];
        ctx.beginPath();
        ctx.moveTo(x, y + sign * size * 0.4);
        ctx.lineTo(x - size, y + sign * size * 2.2);
        ctx.lineTo(x + size, y + sign * size * 2.2);
        ctx.closePath();
        if (!crowded) ctx.stroke();
        ctx.fill();
      }
      ctx.restore();
    };
  }
  /// The fills that the cursor is on.
  function fillsAt(data) {
    const { fill_time: when, fill_price: price, fill_change: change, fill_reason: reason } = data;
    return (time, drawn) => {
      const near = (view[1] - view[0]) / drawn.over.clientWidth * 5;
      const first = lowerBound(when, time - near), next = lowerBound(when, time + near);
      if (first === next) return '';
      const at = first;
      const verb = change[at] > 0 ? 'bought' : 'sold';
      const more = next - first > 1 ? ` and ${next - first - 1} more` : '';
      const why = meta.reasons[reason[at]];
      return ` &ensp;<span class="${change[at] > 0 ? 'good' : 'bad'}">${verb} ${plain(Math.abs(change[at]))} `
        + `${escaped(meta.base)} at ${plain(price[at])}${why ? ` (${escaped(why)})` : ''}${more}</span>`;
    };
  }
  const plain = value => new Intl.NumberFormat('en-US', { maximumFractionDigits: 8 }).format(value);

  // --- The page -------------------------------------------------------------------------------------------

  function showPicture() {
    const place = byId('charts');
    place.innerHTML = byId('picture').textContent;
    place.classList.add('fallback');
  }
  if (typeof DecompressionStream === 'undefined') return showPicture();
  try {
    const data = await unpack();
    const { hold, drawdown, marks } = curves(data);
    const { times, held } = position(data);
    const money = value => `${fixed(value, meta.money_digits)} ${escaped(meta.currency)}`;
    const quote = value => `${fixed(value, meta.price_digits)} ${escaped(meta.quote)}`;
    const shares = splits => compact(splits.map(value => value * 100)).map(text => `${text} %`);
    const { time } = data;
    fillToolbar();
    charts.push(
      new Chart('equity', { times: time, height: 280, series: [
        { label: 'equity', color: 'accent', values: data.equity, show: money },
        { label: 'buy and hold', color: 'hold', width: 1, values: hold, show: money }] }),
      new Chart('drawdown', { times: time, height: 130, ceiling: 0, series: [
        { label: 'below the peak', color: 'bad', fill: 'fall', width: 1, values: drawdown, show: percent, axis: shares }] }),
      new Chart('price', { times: time, height: 280, decorate: fillMarks(data), tell: fillsAt(data), series: [
        { label: 'price', color: 'muted', width: 1.2, values: marks, show: quote }] }),
      new Chart('position', { times, height: 130, stepped: true, series: [
        { label: 'held', color: 'accent', fill: 'area', width: 1, values: held,
          show: value => `${plain(value)} ${escaped(meta.base)}` }] }),
      new Chart('exposure', { times: time, height: 130, floor: 0, series: [
        { label: 'of the equity', color: 'accent', fill: 'area', width: 1, values: data.exposure, show: percent, axis: shares }] }),
    );
    tellView();
    const recolor = () => { for (const chart of charts) chart.build(); };
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', recolor);
    addEventListener('beforeprint', () => { document.documentElement.dataset.paper = ''; recolor(); });
    addEventListener('afterprint', () => { delete document.documentElement.dataset.paper; recolor(); });
    queueMicrotask(() => { performance.mark('drawn'); document.documentElement.dataset.drawn = ''; });
  } catch (error) {
    console.error(error);
    showPicture();
  }
})();
for (const button of document.querySelectorAll('[data-copy]')) {
  button.hidden = false;
  button.addEventListener('click', async () => {
    const source = document.getElementById(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(source.textContent);
      button.textContent = 'Copied';
    } catch {
      getSelection().selectAllChildren(source);
    }
  });
}
