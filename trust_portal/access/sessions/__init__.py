"""Server-side sessions of signed-in people."""
