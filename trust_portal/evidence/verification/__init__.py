"""The parts of a verification. ``trust_portal.evidence.verify`` is the door; each file checks one thing."""
