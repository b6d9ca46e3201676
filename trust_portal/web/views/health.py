"""Health and metrics, for the operator's own systems.

``/healthz`` says the process lives; ``/readyz`` that it can serve (database and queue answer, the keys are
those on record); ``/metrics`` is the Prometheus exposition. None needs a sign-in and none says anything
of a tenant.
"""

from __future__ import annotations

from contextlib import suppress

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from trust_portal.errors import Unavailable
from trust_portal.storage.round_metrics import round_metrics
from trust_portal.web.context import house_of


async def healthz(request: Request) -> Response:  # noqa: ARG001 - an endpoint's signature
    return PlainTextResponse("ok\n")


async def readyz(request: Request) -> Response:
    parts = {}
    for name, check in house_of(request).readiness.items():
        try:
            await check()
        except Unavailable as error:
            parts[name] = error.message
        else:
            parts[name] = "ok"
    ready = all(state == "ok" for state in parts.values())
    return JSONResponse({"ready": ready, "parts": parts}, 200 if ready else 503)


async def metrics(request: Request) -> Response:
    with suppress(Unavailable):  # the process can still be watched while its database is away
        house = house_of(request)
        await house.cost_kpis.publish()
        await round_metrics.publish(house.storage)
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


routes = [
    Route("/healthz", healthz, methods=["GET"]),
    Route("/readyz", readyz, methods=["GET"]),
    Route("/metrics", metrics, methods=["GET"]),
]
