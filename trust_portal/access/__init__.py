"""Who may: tenants, people and roles, sessions, tokens, policy, and the record of who looked."""
