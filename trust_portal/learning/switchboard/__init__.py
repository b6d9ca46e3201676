"""The Switchboard: what is owed after incidents, by whom, since when, and what is due next."""
