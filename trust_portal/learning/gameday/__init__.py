"""Game days: a P1 and a P2 that are played, to see whether every part of learning from them holds."""
