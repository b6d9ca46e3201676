"""What a running period's credit is heading for: for the vendor's people only, behind a flag."""
