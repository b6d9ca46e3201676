"""One mutation per business act, one module per noun. Both doors call the same service with the same command."""
