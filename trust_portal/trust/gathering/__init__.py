"""What the sections of trust documents say, read from the rooms below in one snapshot: a module a section."""
