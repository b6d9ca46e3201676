"""The customers of the vendor, and the vendor itself."""
