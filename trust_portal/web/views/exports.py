"""Every bundle of a tenant: what an auditor lists, downloads and checks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import PurePosixPath
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from trust_portal.access.action import Action
from trust_portal.access.archive import CataloguedExport
from trust_portal.access.policy import Resource
from trust_portal.access.tenants.model import Tenant
from trust_portal.evidence.export import Export
from trust_portal.evidence.instructions import verify_command
from trust_portal.kernel.page import Page
from trust_portal.trust.bundle_pages import PAGES
from trust_portal.web.context import actor_of, house_of
from trust_portal.web.files import attachment
from trust_portal.web.forms import page_request
from trust_portal.web.navigation import frame, tenant_of
from trust_portal.web.templating import page

#: By how a file of a bundle ends; anything else is bytes.
_MEDIA_TYPES = {
    ".csv": "text/csv; charset=utf-8",
    ".json": "application/json",
    ".pdf": "application/pdf",
    ".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
}
#: Seconds between looks at an export, and how long one stream lasts; a browser then connects again.
_LOOK_EVERY = 0.5
_LOOKS = 120


async def exports(request: Request) -> Response:
    actor, house, tenant = actor_of(request), house_of(request), await tenant_of(request, purpose="bundles")
    listed = await house.archive.catalogue(actor, tenant.id, page_request(request))
    return page(
        request,
        "exports.html",
        **exports_shown(request, tenant, listed),
        **frame(request, tenant),
    )


def exports_shown(request: Request, tenant: Tenant, listed: Page[CataloguedExport]) -> dict[str, Any]:
    """What ``export_list.html`` shows."""
    gate, actor = house_of(request).gate, actor_of(request)
    return {
        "exports": listed,
        "pages": PAGES,
        "verify_command": verify_command,
        "may_download": gate.allows(actor, Action.EXPORT_DOWNLOAD, Resource("export", tenant.id)),
        "key": tenant.key,
    }


async def progress(request: Request) -> Response:
    """How far an export is, as server-sent events: ``progress`` at each step, ``over`` at the end."""
    actor, tenant = actor_of(request), await tenant_of(request, purpose="bundles")
    archive, export_id = house_of(request).archive, request.path_params["export"]
    first = await archive.export(actor, tenant.id, export_id)

    async def events() -> AsyncIterator[bytes]:
        shown, export = None, first
        for _ in range(_LOOKS):
            seen = (export.state, export.step, export.percent)
            if seen != shown:
                shown = seen
                yield _event("over" if export.is_over else "progress", export)
            if export.is_over:
                return
            await asyncio.sleep(_LOOK_EVERY)
            export = await archive.export(actor, tenant.id, export_id)

    return StreamingResponse(events(), media_type="text/event-stream")


async def bundle(request: Request) -> Response:
    tenant = await tenant_of(request, purpose="download")
    artefact = await house_of(request).archive.download(
        actor_of(request), tenant.id, request.path_params["export"]
    )
    return attachment(artefact.content, artefact.media_type, artefact.file_name, artefact.digest)


async def single_file(request: Request) -> Response:
    tenant, name = await tenant_of(request, purpose="download"), request.path_params["name"]
    content = await house_of(request).archive.file(
        actor_of(request), tenant.id, request.path_params["export"], name
    )
    return attachment(content, _MEDIA_TYPES.get(PurePosixPath(name).suffix, "application/octet-stream"), name)


async def readers_copy(request: Request) -> Response:
    """A PDF with who took it and when on every page; ``files/`` has it as it was signed."""
    tenant, name = await tenant_of(request, purpose="download"), request.path_params["name"]
    copy_name, content = await house_of(request).archive.readers_copy(
        actor_of(request), tenant.id, request.path_params["export"], name
    )
    return attachment(content, "application/pdf", copy_name)


def _event(name: str, export: Export) -> bytes:
    """One event of the WHATWG event stream format; JSON has no line break, so it is one data line."""
    data = msgspec.json.encode(
        {
            "state": export.state.value,
            "step": export.step,
            "percent": export.percent,
            "failure": export.failure,
        }
    )
    return b"event: " + name.encode() + b"\ndata: " + data + b"\n\n"


routes = [
    Route("/t/{tenant}/exports", exports, methods=["GET"]),
    Route("/t/{tenant}/exports/{export:uuid}/progress", progress, methods=["GET"]),
    Route("/t/{tenant}/exports/{export:uuid}/bundle.zip", bundle, methods=["GET"]),
    Route("/t/{tenant}/exports/{export:uuid}/files/{name}", single_file, methods=["GET"]),
    Route("/t/{tenant}/exports/{export:uuid}/copies/{name}", readers_copy, methods=["GET"]),
]
