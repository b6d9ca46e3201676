"""What customers are shown and can check: posture, compliance, the Trust Report, the QBR."""
