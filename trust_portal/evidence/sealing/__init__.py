"""Stored bundles under a customer's own key: envelope encryption, and the door to whatever keeps the keys."""
