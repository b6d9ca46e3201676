"""One module per screen or small family of screens; each exports ``routes``."""

from trust_portal.web.views import (
    access,
    account,
    contracts,
    events,
    health,
    home,
    overview,
    people,
    receipts,
    reports,
    runs,
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
    *reports.routes,
    *contracts.routes,
    *runs.routes,
    *receipts.routes,
    *overview.routes,
    *events.routes,
    *health.routes,
]
