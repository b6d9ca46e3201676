"""Continuous compliance: controls judged from what the rows say, on schedule, each time with a receipt."""
