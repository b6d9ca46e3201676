"""A new set of policies comes with a deployment, and decides once two have approved exactly that version."""
