"""One module per screen or small family of screens; each exports ``routes``."""

from trust_portal.web.views import (
    access,
    account,
    events,
    health,
    home,
    people,
    receipts,
    sign_in,
    tenants,
    tokens,
)

ROUTES = [
    *home.routes,
    *sign_in.routes,
    *account.routes,
    *tenants.routes,
    *people.routes,
    *tokens.routes,
    *access.routes,
    *receipts.routes,
    *events.routes,
    *health.routes,
]
