"""The portal's own fixtures: see ``tests/support/portal_fixtures.py``."""

from support.portal_fixtures import portal, portal_template

__all__ = ["portal", "portal_template"]
