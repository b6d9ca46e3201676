"""What a postmortem is made of, by source: each gives facts with source, time and digest, or says what is missing."""
