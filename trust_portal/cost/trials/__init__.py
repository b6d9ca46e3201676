"""Detectors on trial: back-tests, the flags that rest on them, comparison, and the quality of what was found."""
