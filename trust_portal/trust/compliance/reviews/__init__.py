"""Access reviews: of each role that somebody holds, somebody else says whether it is still needed."""
