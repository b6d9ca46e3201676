"""Monthly runs: every tenant's SLA report of one period, with a named outcome for each tenant."""
