"""Assessments that were made elsewhere: read strictly, kept as they were handed over, as old as they are."""
