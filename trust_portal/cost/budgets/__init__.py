"""What a tenant means to spend in a month, and how far it has come."""
