"""What is learned from what went wrong: incidents, postmortems, prevention actions, the Switchboard."""
