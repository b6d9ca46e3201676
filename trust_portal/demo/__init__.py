"""The sample vendor: invented customers, a product that really emits events, and the scenario that shows it."""
