"""One module per family of commands; ``trust_portal.cli`` lists them."""
