"""Batches: every tenant's Trust Report of one period, with a named outcome for each tenant."""
