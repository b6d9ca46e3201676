"""What a tenant's usage costs: what stood out, why, what is watched and how well that works."""

from trust_portal.web.views.cost import anomalies, anomaly, budgets, figures, suppressions, thresholds

routes = [
    *anomalies.routes,
    *anomaly.routes,
    *suppressions.routes,
    *thresholds.routes,
    *budgets.routes,
    *figures.routes,
]
