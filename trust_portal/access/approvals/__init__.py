"""Dual control: what is consequential is asked for by one person and approved by others."""
