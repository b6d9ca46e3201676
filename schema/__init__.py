"""The GraphQL door: Strawberry types over the services of the house."""
