"""The tenant's log: every receipt, what it says, and its place in the tree."""

from __future__ import annotations

import hashlib
import json

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from trust_portal.access.action import Action
from trust_portal.access.policy import Resource
from trust_portal.access.tenants.model import Tenant
from trust_portal.errors import InvalidInput
from trust_portal.evidence.key_register import follow_keys
from trust_portal.evidence.statement import ReceiptKind
from trust_portal.evidence.verification_page import verification_page
from trust_portal.evidence.verifier_archive import NAME, verifier_archive
from trust_portal.notify.standard_webhooks import Ed25519Public
from trust_portal.web.context import actor_of, actor_or_none, house_of
from trust_portal.web.files import attachment
from trust_portal.web.forms import page_request
from trust_portal.web.navigation import frame, own_frame, tenant_of, tenant_path
from trust_portal.web.receipt_words import DONE, Place, about, place_of
from trust_portal.web.templating import page, words


async def receipts(request: Request) -> Response:
    tenant, actor = await tenant_of(request), actor_of(request)
    kind = _kind(request.query_params.get("kind"))
    listed = await house_of(request).archive.receipts(actor, tenant.id, page_request(request), kind)
    there = await house_of(request).archive.kinds(actor, tenant.id)
    kinds = there if kind is None or kind in there else (*there, kind)
    return page(
        request,
        "receipts.html",
        receipts=listed,
        kind_choices=[("", "All kinds"), *((each.value, words(each.value)) for each in kinds)],
        about=about,
        kind=kind,
        **frame(request, tenant),
    )


async def receipt(request: Request) -> Response:
    tenant, actor = await tenant_of(request), actor_of(request)
    filed = await house_of(request).archive.receipt(actor, tenant.id, request.path_params["receipt"])
    predicate = filed.statement["predicate"]
    kind = filed.receipt.kind
    return page(
        request,
        "receipt.html",
        part="receipt_place.html",
        filed=filed,
        done=DONE[kind],
        seen_at=_seen_at(request, tenant, place_of(kind, predicate.get("result", {}))),
        subjects=[(each.name, each.sha256) for each in filed.receipt.subjects],
        policies=predicate.get("policies", {}),
        emergency=predicate.get("break_glass"),
        may_read_rules=house_of(request).gate.allows(
            actor, Action.POLICIES_READ, Resource.of_house("policies")
        ),
        statement=json.dumps(filed.statement, indent=2, ensure_ascii=False, sort_keys=True),
        **frame(request, tenant),
    )


def _seen_at(request: Request, tenant: Tenant, place: Place | None) -> str | None:
    """The address of what a receipt is about, for whoever may open it."""
    if place is None:
        return None
    resource = Resource.of_house("receipt") if place.house else Resource("receipt", tenant.id)
    if not house_of(request).gate.allows(actor_of(request), place.read, resource):
        return None
    return f"/{place.path}" if place.house else f"{tenant_path(tenant)}/{place.path}"


async def envelope(request: Request) -> Response:
    """The DSSE envelope, byte for byte as signed."""
    tenant, actor = await tenant_of(request), actor_of(request)
    receipt_id = request.path_params["receipt"]
    content = await house_of(request).archive.envelope(actor, tenant.id, receipt_id)
    return attachment(content, "application/vnd.dsse.envelope+json", f"{receipt_id}.dsse.json")


async def proof(request: Request) -> Response:
    """The inclusion proof, a C2SP tlog-proof."""
    tenant, actor = await tenant_of(request), actor_of(request)
    receipt_id = request.path_params["receipt"]
    found = await house_of(request).archive.proof(actor, tenant.id, receipt_id)
    return attachment(str(found).encode(), "text/plain; charset=utf-8", f"{receipt_id}.tlog-proof")


async def trust_policy(request: Request) -> Response:
    """What ``trust-portal verify --policy`` pins for this tenant's log."""
    tenant = await tenant_of(request)
    text = await house_of(request).archive.trust_policy(actor_of(request), tenant.id)
    return PlainTextResponse(
        text, headers={"content-disposition": f'attachment; filename="{tenant.key}.policy"'}
    )


async def verify(request: Request) -> Response:
    """How to check, and whom to believe: for everybody, signed in or not."""
    actor = actor_or_none(request)
    around = await own_frame(request) if actor is not None and actor.roles else {}
    await follow_keys(house_of(request).storage, house_of(request).keyring)
    return page(
        request,
        "verify.html",
        keyring=house_of(request).keyring,
        page_sha256=hashlib.sha256(verification_page()).hexdigest(),
        verifier_sha256=hashlib.sha256(verifier_archive()).hexdigest(),
        **around,
    )


async def verifier_page(request: Request) -> Response:  # noqa: ARG001 - starlette's signature
    """The page that checks a bundle offline, from outside any bundle: to keep, so never shown in place."""
    content = verification_page()
    return attachment(content, "text/html; charset=utf-8", "verify.html", hashlib.sha256(content).hexdigest())


async def verifier(request: Request) -> Response:  # noqa: ARG001 - starlette's signature
    """The command that checks bundles and derives their figures again, whole, for everybody."""
    content = verifier_archive()
    return attachment(content, "application/zip", f"{NAME}.zip", hashlib.sha256(content).hexdigest())


async def webhook_keys(request: Request) -> Response:
    """Whose signature (Standard Webhooks, ``v1a``) calls from this portal bear: for the systems they reach."""
    key = house_of(request).keyring.webhooks
    return JSONResponse(
        {
            "keys": [
                {
                    "id": key.key_id,
                    "algorithm": "Ed25519",
                    "public_key": Ed25519Public(key.public_key).text,
                    "pem": key.verify_key.pem,
                }
            ]
        }
    )


def _kind(text: str | None) -> ReceiptKind | None:
    if not text:
        return None
    try:
        return ReceiptKind(text)
    except ValueError as error:
        raise InvalidInput(f"there are no receipts of kind {text!r}", field="kind") from error


routes = [
    Route("/t/{tenant}/receipts", receipts, methods=["GET"]),
    Route("/t/{tenant}/receipts/{receipt:uuid}", receipt, methods=["GET"]),
    Route("/t/{tenant}/receipts/{receipt:uuid}/envelope", envelope, methods=["GET"]),
    Route("/t/{tenant}/receipts/{receipt:uuid}/proof", proof, methods=["GET"]),
    Route("/t/{tenant}/trust-policy", trust_policy, methods=["GET"]),
    Route("/.well-known/webhook-keys.json", webhook_keys, methods=["GET"]),
    Route("/verify", verify, methods=["GET"]),
    Route("/verify.html", verifier_page, methods=["GET"]),
    Route(f"/{NAME}.zip", verifier, methods=["GET"]),
]
