"""Dual control: what waits for whom, and the page on which somebody decides."""

from trust_portal.web.views.approvals import decision, lists

routes = [
    *lists.routes,
    *decision.routes,
]
