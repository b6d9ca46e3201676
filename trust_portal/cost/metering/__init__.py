"""What was used, per hour: roll-ups that follow the facts, and cost exports that become facts."""
