"""One module per noun: its GraphQL type and how it is made from the house's dataclass."""
