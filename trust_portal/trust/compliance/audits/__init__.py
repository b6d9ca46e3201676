"""Audits of the receipts, put on record: when, how many, and what they found."""
