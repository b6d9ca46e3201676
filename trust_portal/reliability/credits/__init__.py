"""What the contract gives back: pure, exact calculation."""
