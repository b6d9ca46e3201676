"""Trust Portal: a vendor's reliability, cost control and honesty, checkable by its customers."""

__version__ = "0.1.0"
