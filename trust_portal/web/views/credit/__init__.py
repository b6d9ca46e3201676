"""Credits: what is due, what became of it, and one credit with everything behind it."""

from trust_portal.web.views.credit import acts, calculated, lists, one

routes = [
    *lists.routes,
    *calculated.routes,
    *one.routes,
    *acts.routes,
]
