"""Invitations of auditors: for one customer, for a time, for a reason, and revocable."""
