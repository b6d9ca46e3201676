"""Streaming detection of unusual spending: pure, deterministic, any interval from minutes to days."""
