"""Small histories of spending, exact and without chance unless a seed is given."""

from datetime import UTC, datetime, timedelta

import numpy as np

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)


def hourly(values, start=MONDAY):
    return [(start + timedelta(hours=hour), float(value)) for hour, value in enumerate(values)]


def office(weeks, seed=1, level=10.0, noise=0.05):
    """Twice as dear from 8 to 18 on weekdays, with a little noise."""
    hour = np.arange(weeks * 168)
    busy = (hour % 24 >= 8) & (hour % 24 < 18) & (hour // 24 % 7 < 5)
    random = np.random.default_rng(seed)
    return level * np.where(busy, 2.0, 1.0) * np.exp(random.normal(0.0, noise, hour.size))
