"""People of a tenant and the roles they hold."""
