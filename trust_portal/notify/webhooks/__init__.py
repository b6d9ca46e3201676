"""Webhooks to endpoints that a tenant's administrator sets up."""
