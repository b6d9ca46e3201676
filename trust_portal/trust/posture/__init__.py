"""Whether what a customer is promised about its data holds: looked at, recorded and receipted, again and again."""
