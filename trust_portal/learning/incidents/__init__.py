"""Incidents: what was told of them, by whichever door, made into one register."""
