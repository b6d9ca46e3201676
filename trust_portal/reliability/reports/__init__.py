"""What the customer is told: the report document and its recomputation."""
