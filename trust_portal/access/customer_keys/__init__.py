"""A customer's own key over its stored bundles: enabled, rotated, withdrawn."""
