"""Passkeys: a person signs a statement with a key of their own device (WebAuthn)."""
