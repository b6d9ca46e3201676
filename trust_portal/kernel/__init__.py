"""Value types without IO. Everything here is pure, frozen and imports nothing of the house."""
