"""What was promised: contract documents, their terms and the lint of their tier tables."""
