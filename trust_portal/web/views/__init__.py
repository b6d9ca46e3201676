"""One module per screen or small family of screens; each exports ``routes``."""
