"""The Trust Report: what a customer was promised, what became of it, and how it can check that."""
