"""Postmortems: opened with the incident, written, reviewed, signed, released."""
