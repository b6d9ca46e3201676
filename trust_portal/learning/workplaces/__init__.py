"""Where the vendor's people work: their calendar, their time zone, their manager."""
