"""Measure → report → (credit): contracts, attainment, SLA reports and the monthly run."""
