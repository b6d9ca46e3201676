"""What the vendor adds to Trust Reports in its own words: sub-processors, and notes."""
