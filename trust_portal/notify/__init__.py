"""What leaves the house on its own account: signed webhooks. Knows nothing of the domain."""
