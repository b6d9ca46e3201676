"""Who looked at or fetched what of a tenant; the tenant reads it."""
