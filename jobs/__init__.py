"""Background work: outbox rows become arq jobs, jobs call services. arq stays in relay.py and worker.py."""
