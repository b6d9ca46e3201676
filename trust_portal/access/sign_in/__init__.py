"""The ways in: one-time links, OpenID Connect, and the personas of the demo."""
