"""Hours are closed, series are watched, and what stands out becomes an anomaly with a receipt."""
