"""The same idea without the planted flaws: what the checks say about this file is a false alarm."""

import math
import os
import sqlite3
import subprocess
import time
import urllib.error
import urllib.request
from decimal import Decimal

QUOTES = "https://quotes.example.com/v1/last"
MAX_ATTEMPTS = 5


def secret():
    return os.environ["BROKER_SECRET"]


def archive(symbol):
    subprocess.run(["gzip", "-k", f"archive/{symbol}.csv"], check=True)


def last_trades(database: sqlite3.Connection, symbol):
    rows = database.execute("SELECT price, size FROM trades WHERE symbol = ? ORDER BY id DESC LIMIT 50", (symbol,))
    return list(rows)


def send_order(symbol, shares):
    for attempt in range(MAX_ATTEMPTS):
        try:
            with urllib.request.urlopen(f"{QUOTES}?symbol={symbol}&shares={shares}", timeout=5) as answer:
                return answer.status
        except urllib.error.URLError:
            time.sleep(2**attempt)
    raise ConnectionError(f"no answer after {MAX_ATTEMPTS} attempts")


class Book:
    def __init__(self):
        self.cash = Decimal("100000.00")
        self.fees = Decimal("0.00")
        self.shares = 0

    def buy(self, shares, price, fee_rate):
        fee = (shares * price * fee_rate).quantize(Decimal("0.01"))
        self.shares += shares
        self.cash -= shares * price + fee
        self.fees += fee


def means(closes, window):
    """The mean of each bar's last `window` closes, in one pass."""
    result = []
    total = 0.0
    for i, close in enumerate(closes):
        total += close
        if i >= window:
            total -= closes[i - window]
        result.append(total / min(i + 1, window))
    return result


def deviation(values):
    if not values:
        return 0.0
    mean = sum(values) / len(values)
    return math.sqrt(sum((value - mean) ** 2 for value in values) / len(values))


def signals(bars, params):
    window = params.get("window", 20)
    max_weight = params.get("max_weight", 1.0)
    stop_loss = params.get("stop_loss", 0.08)
    closes = [bar["close"] for bar in bars]
    averages = means(closes, window)
    weights = []
    entry_price = None
    for i, close in enumerate(closes):
        weight = 0.0
        if i >= window:
            recent = closes[i - window : i]
            noise = deviation(recent)
            score = (close - averages[i]) / noise if noise > 0 else 0.0
            weight = max(0.0, min(max_weight, 0.4 * score))
        if entry_price is not None and close < entry_price * (1 - stop_loss):
            weight = 0.0
        if weight == 0:
            entry_price = None
        elif entry_price is None:
            entry_price = close
        weights.append(weight)
    return weights
