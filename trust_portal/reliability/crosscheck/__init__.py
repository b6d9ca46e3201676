"""A second source: what a report counts is asked of somebody else before it is signed."""
