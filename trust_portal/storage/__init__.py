"""PostgreSQL: the tables' common conventions, tenancy, the unit of work and the outbox."""
