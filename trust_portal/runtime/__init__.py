"""How the house runs on a machine: servers, processes, files it ships, logs and metrics."""
