"""Exclusions after the fact: past windows that two people agree not to count."""
