"""Background work: the outbox relay, the arq worker and one module per family of jobs."""
