"""What is done about an anomaly: planned, decided, approved, executed, verified in the data, taken back."""
