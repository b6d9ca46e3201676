"""What a tenant's usage costs: what stood out, why, what is watched and how well that works."""

from trust_portal.web.views.cost import (
    anomalies,
    anomaly,
    automation,
    budgets,
    detectors,
    figures,
    playbooks,
    spending,
    suppressions,
    thresholds,
)

routes = [
    *anomalies.routes,
    *anomaly.routes,
    *playbooks.routes,
    *automation.routes,
    *suppressions.routes,
    *thresholds.routes,
    *detectors.routes,
    *budgets.routes,
    *figures.routes,
    *spending.routes,
]
