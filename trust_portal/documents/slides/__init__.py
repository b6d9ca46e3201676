"""Decks of slides: a small model, a designed master, native charts and tables, the same bytes every time."""
