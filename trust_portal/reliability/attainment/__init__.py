"""What was delivered: pure, exact calculations over columns of minutes."""
