"""How a series behaves when nothing happens: season, noise, growth, habits that look like trouble."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

_DAY, _WEEK = 24, 168


def usual_spend(random: Generator, hours: int) -> NDArray[np.float64]:
    """Hourly money of one series. A fifth of the series are bursty, a tenth mostly silent."""
    hour = np.arange(hours)
    level = float(np.exp(random.normal(1.4, 1.0)))
    growth = 1.0 + random.uniform(-0.03, 0.08) * hour / (30 * _DAY)
    return level * growth * _season(random, hour) * _noise(random, hours) * _habits(random, hour)


def _season(random: Generator, hour: NDArray[np.int64]) -> NDArray[np.float64]:
    """Business hours and quiet weekends, as strong as the tenant's own taste for them."""
    peak, width = random.uniform(9, 16), random.uniform(3, 6)
    distance = np.minimum((hour - peak) % _DAY, (peak - hour) % _DAY)
    day = 1.0 + random.uniform(0.0, 3.0) * np.exp(-0.5 * (distance / width) ** 2)
    weekend = (hour % _WEEK) >= 5 * _DAY
    season: NDArray[np.float64] = np.where(weekend, 1.0 + (day - 1.0) * random.uniform(0.1, 1.0), day)
    return season


def _noise(random: Generator, hours: int) -> NDArray[np.float64]:
    """Multiplicative, with memory from hour to hour; some tenants are far noisier than others."""
    memory, spread = random.uniform(0.0, 0.8), random.uniform(0.03, 0.2)
    shocks = random.normal(0.0, spread * np.sqrt(1 - memory**2), hours)
    if random.random() < 0.3:  # heavy tails are a habit too
        shocks *= np.sqrt(4 / np.maximum(random.chisquare(4, hours), 0.2))
    noise = np.empty(hours)
    current = 0.0
    for at in range(hours):
        current = memory * current + shocks[at]
        noise[at] = current
    return np.exp(np.clip(noise, -1.5, 1.5))


def _habits(random: Generator, hour: NDArray[np.int64]) -> NDArray[np.float64]:
    """Nightly or weekly jobs at their hour, short bursts at any hour, or silence with use in between."""
    factor = np.ones(hour.size)
    draw = random.random()
    if draw < 0.15:
        period = _WEEK if random.random() < 0.5 else _DAY
        at, length = int(random.integers(period)), int(random.integers(1, 4))
        factor[((hour - at) % period) < length] = random.uniform(1.5, 4.0)
    elif draw < 0.35:
        bursts = random.random(hour.size) < random.uniform(0.01, 0.05)
        factor[bursts] = random.uniform(1.3, 3.0, int(bursts.sum()))
    elif draw < 0.45:
        factor = np.where(random.random(hour.size) < 0.15, random.uniform(0.5, 2.0, hour.size), 0.0)
    return factor
