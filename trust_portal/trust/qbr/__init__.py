"""The quarterly business review of a customer: gathered by itself, commented by its CSM, issued signed."""
