"""Accounts: who looks after a customer, when its next review is, and whether it is ready."""
