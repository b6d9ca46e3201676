"""Speed, measured as ratios against a named limit in the same run. ``python -m benchmarks [NAME…]``.

Each ``bench_*.py`` has ``async def run() -> list[Row]``. Absolute times differ from machine to
machine; a ratio within one run does not, so the limits are written against something measured
beside it wherever there is such a thing.
"""
