"""The parts of trust documents: facts with where they come from and how fresh they are."""
