"""One module per screen or small family of screens; each exports ``routes``."""

from trust_portal.web.views import account, events, health, home, sign_in

ROUTES = [
    *home.routes,
    *sign_in.routes,
    *account.routes,
    *events.routes,
    *health.routes,
]
