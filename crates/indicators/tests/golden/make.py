"""Makes vectors.csv: random candles and what other programs say of them.

    pip install ta-lib==0.8.2 numpy && python make.py

TA-Lib gives what it knows; the rest is computed here from its definition, over each window anew.
"""
import csv, math, random
import numpy as np, talib

random.seed(7)
price, rows = 100.0, []
for _ in range(120):
    o = price
    steps = [max(1.0, o + random.gauss(0, 0.8) * (k + 1) ** 0.5) for k in range(4)]
    c = steps[-1]
    rows.append([round(x, 2) for x in (o, max([o] + steps), min([o] + steps), c)] + [round(random.uniform(0, 50), 4)])
    price = c + random.gauss(0, 0.1)
# A close is within its candle after rounding, and each opens near the last close.
O, H, L, C, V = (np.array(column) for column in zip(*rows))
H, L = np.maximum.reduce([O, H, C]), np.minimum.reduce([O, L, C])

def windows(f, n, skip=0):
    return np.array([f(slice(i - n + 1, i + 1)) if i >= n - 1 + skip else math.nan for i in range(len(C))])

out = {}
out["sma10"] = talib.SMA(C, 10)
out["ema20"] = talib.EMA(C, 20)
out["wma9"] = talib.WMA(C, 9)
out["rsi14"] = talib.RSI(C, 14)
out["macd"], out["macd_signal"], out["macd_histogram"] = talib.MACD(C, 12, 26, 9)
# The first values of the line itself, before the signal is warm, are not given.
out["atr14"] = talib.ATR(H, L, C, 14)
out["bollinger_upper"], out["bollinger_middle"], out["bollinger_lower"] = talib.BBANDS(C, 20, 2.0, 2.0)
out["donchian_upper"], out["donchian_lower"] = talib.MAX(H, 20), talib.MIN(L, 20)
out["adx14"], out["plus_di14"], out["minus_di14"] = talib.ADX(H, L, C, 14), talib.PLUS_DI(H, L, C, 14), talib.MINUS_DI(H, L, C, 14)
out["stochastic_k"], out["stochastic_d"] = talib.STOCH(H, L, C, 5, 3, 0, 3, 0)
out["linear_value"], out["linear_slope"] = talib.LINEARREG(C, 14), talib.LINEARREG_SLOPE(C, 14)
out["linear_fit"] = windows(lambda w: np.corrcoef(np.arange(14), C[w])[0, 1] ** 2, 14)
T = (H + L + C) / 3
out["vwap10"] = windows(lambda w: (T[w] * V[w]).sum() / V[w].sum(), 10)
out["zscore20"] = windows(lambda w: (C[w][-1] - C[w].mean()) / C[w].std(), 20)
returns = np.concatenate([[math.nan], np.diff(np.log(C))])
out["close_to_close"] = windows(lambda w: returns[w].std(ddof=1), 20, 1)
out["parkinson"] = windows(lambda w: math.sqrt((np.log(H[w] / L[w]) ** 2).mean() / (4 * math.log(2))), 20)
out["garman_klass"] = windows(lambda w: math.sqrt((0.5 * np.log(H[w] / L[w]) ** 2 - (2 * math.log(2) - 1) * np.log(C[w] / O[w]) ** 2).mean()), 20)
out["rogers_satchell"] = windows(lambda w: math.sqrt((np.log(H[w] / C[w]) * np.log(H[w] / O[w]) + np.log(L[w] / C[w]) * np.log(L[w] / O[w])).mean()), 20)

with open("vectors.csv", "w", newline="") as file:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["open", "high", "low", "close", "volume", *out])
    for i in range(len(C)):
        values = [f"{x:.2f}" for x in (O[i], H[i], L[i], C[i])] + [f"{V[i]:.4f}"]
        writer.writerow(values + ["" if math.isnan(column[i]) else f"{column[i]:.8f}" for column in out.values()])
