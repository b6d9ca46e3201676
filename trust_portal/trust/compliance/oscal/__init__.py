"""Evaluations in the words of NIST's OSCAL 1.1.3 (assessment-results, POA&M), and assessments from elsewhere. Pure."""
