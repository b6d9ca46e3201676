"""The internal rendering of a draft: everything, with every comment; not signed."""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from trust_portal.documents.formats import instant
from trust_portal.documents.watermark import watermarked
from trust_portal.trust.qbr.internal import (
    Internal,
    internal_csv,
    internal_json,
    internal_pdf,
    internal_pptx,
)
from trust_portal.web.context import actor_of, house_of
from trust_portal.web.navigation import tenant_of
from trust_portal.web.views.qbr.screen import PURPOSE

#: Below every page of an internal PDF.
_UNSIGNED = "Internal: nothing of it is signed."


async def internal_slides(request: Request) -> Response:
    """The internal rendering as slides: everything, with every comment; not signed."""
    kind = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
    return await _internal(request, internal_pptx, kind, "pptx")


async def internal_paper(request: Request) -> Response:
    """The same as PDF, with who took it and when on every page."""
    taker, at = actor_of(request).name, instant(house_of(request).clock.now())

    def marked(internal: Internal) -> bytes:
        return watermarked(internal_pdf(internal), taker, at, _UNSIGNED)

    return await _internal(request, marked, "application/pdf", "pdf")


async def internal_table(request: Request) -> Response:
    """Its values as CSV."""
    return await _internal(request, internal_csv, "text/csv; charset=utf-8", "csv")


async def internal_document(request: Request) -> Response:
    """Its values and comments as JSON."""
    return await _internal(request, internal_json, "application/json", "json")


async def _internal(
    request: Request, make: Callable[[Internal], bytes], media_type: str, suffix: str
) -> Response:
    house = house_of(request)
    tenant = await tenant_of(request, purpose=PURPOSE)
    found = await house.qbr_reader.taken(
        actor_of(request), tenant.id, request.path_params["qbr"], f"internal.{suffix}"
    )
    internal = Internal(found, tenant.name, house.settings.vendor_name, tenant.time_zone)
    name = f"{tenant.key}-qbr-{found.qbr.period}-internal.{suffix}"
    return Response(
        await house.press.set(lambda: make(internal)),
        media_type=media_type,
        headers={"content-disposition": f'attachment; filename="{name}"'},
    )


routes = [
    Route("/t/{tenant}/qbr/{qbr:uuid}/internal.csv", internal_table, methods=["GET"]),
    Route("/t/{tenant}/qbr/{qbr:uuid}/internal.json", internal_document, methods=["GET"]),
    Route("/t/{tenant}/qbr/{qbr:uuid}/internal.pdf", internal_paper, methods=["GET"]),
    Route("/t/{tenant}/qbr/{qbr:uuid}/internal.pptx", internal_slides, methods=["GET"]),
]
