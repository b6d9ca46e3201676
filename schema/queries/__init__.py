"""Families of queries, each a part of ``Query``."""
