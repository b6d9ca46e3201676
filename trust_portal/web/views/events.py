"""``POST /events``: CloudEvents 1.0, one, a batch or NDJSON; and the schemas of what it takes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from trust_portal.errors import NotFound, NotSignedIn, TooLarge, Unavailable
from trust_portal.facts.framing import lines, split_batch, whole
from trust_portal.facts.outcome import FORBIDDEN, Outcome, RejectionCode
from trust_portal.facts.published import event_schemas
from trust_portal.facts.reading import MAX_EVENT_BYTES
from trust_portal.house import House
from trust_portal.web.authentication import bearer_token
from trust_portal.web.context import house_of

SINGLE: Final = "application/cloudevents+json"
BATCH: Final = "application/cloudevents-batch+json"
NDJSON: Final = "application/x-ndjson"
_LISTED_UNMAPPED: Final = 100


async def receive_events(request: Request) -> Response:
    """Stores what the body brings; the answer counts and names every event that was not taken."""
    house = house_of(request)
    token = bearer_token(request.headers.get("authorization"))
    if token is None:
        raise NotSignedIn("send `Authorization: Bearer <ingest token>`")
    sender = await house.tokens.admit(token)
    await house.intake.authorize(sender)
    wait = house.intake.rate.seconds_to_wait(sender.actor.id)
    if wait:
        message = f"this token sends faster than agreed; go on in {wait} seconds"
        return _refusal(429, "TOO_MANY", message, {"retry-after": str(wait)})
    kind = _media_type(request)
    if kind is None:
        return _refusal(
            415, "UNSUPPORTED_MEDIA_TYPE", f"send {SINGLE}, {BATCH} or {NDJSON}, in UTF-8, uncoded"
        )
    outcome = await house.intake.deliver(await _chunks(request, kind, house.settings.max_body_bytes), sender)
    house.intake.rate.charge(sender.actor.id, outcome.stored_or_known + outcome.rejected_count)
    return _answer(outcome, kind, await _unmapped(house, outcome))


async def list_schemas(request: Request) -> Response:  # noqa: ARG001 - starlette's signature
    """The names of all schemas and where each is."""
    return JSONResponse(
        {
            "schemas": [
                {"name": name.removesuffix(".json"), "url": f"/schemas/{name}"} for name in event_schemas()
            ]
        }
    )


async def show_schema(request: Request) -> Response:
    """One schema; the name works with and without ``.json``."""
    name = request.path_params["name"].removesuffix(".json") + ".json"
    text = event_schemas().get(name)
    if text is None:
        raise NotFound("schema")
    return Response(text, media_type="application/schema+json")


async def _chunks(request: Request, kind: str, max_body: int) -> AsyncIterator[Sequence[bytes]]:
    if kind == NDJSON:
        return lines(request.stream())
    if kind == SINGLE:
        return whole([await _whole_body(request, MAX_EVENT_BYTES)])
    return whole(split_batch(await _whole_body(request, max_body)))


async def _whole_body(request: Request, limit: int) -> bytes:
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > limit:
        raise _too_large(limit)
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > limit:
            raise _too_large(limit)
    return bytes(body)


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"this body may have at most {limit} bytes; send more events as {NDJSON}")


def _media_type(request: Request) -> str | None:
    """The content type, if it is one of the three and the bytes are plain UTF-8."""
    kind, *parameters = request.headers.get("content-type", "").lower().split(";")
    for parameter in parameters:
        name, _, value = parameter.strip().partition("=")
        if name == "charset" and value.strip('"') not in {"utf-8", "utf8", "us-ascii"}:
            return None
    coded = request.headers.get("content-encoding", "identity").lower() != "identity"
    return kind.strip() if not coded and kind.strip() in {SINGLE, BATCH, NDJSON} else None


async def _unmapped(house: House, outcome: Outcome) -> list[dict[str, str]]:
    """Objectives that events named and nobody has defined: kept, and counted in no report until somebody does."""
    named = {(each.tenant_id, each.objective): each for each in outcome.measured}
    try:
        missing = await house.objectives.directory.missing(named)
    except Unavailable:
        return []  # What was stored is stored, and is answered.
    found = sorted((named[each].tenant, named[each].objective) for each in missing)
    return [{"tenant": tenant, "objective": objective} for tenant, objective in found]


def _answer(outcome: Outcome, kind: str, unmapped: list[dict[str, str]]) -> Response:
    """200 with the counts, unless one cause kept out every single event: then also that cause."""
    body: dict[str, Any] = {
        "accepted": outcome.accepted,
        "duplicates": outcome.duplicates,
        "rejected": [asdict(rejection) for rejection in outcome.rejected],
    }
    unlisted = outcome.rejected_count - len(outcome.rejected)
    if unlisted:
        body["rejected_unlisted"] = unlisted
    if unmapped:
        body["unmapped"] = unmapped[:_LISTED_UNMAPPED]
    status = _status(outcome, kind)
    if status != 200:
        cause = outcome.rejected[0]
        body |= {"code": cause.code, "message": cause.message, "field": cause.path, "reference": None}
    return JSONResponse(body, status_code=status)


def _status(outcome: Outcome, kind: str) -> int:
    if outcome.only(FORBIDDEN):
        return 403
    if outcome.only(frozenset({RejectionCode.TOO_LARGE})):
        return 413
    if kind == SINGLE and outcome.only(frozenset({RejectionCode.MALFORMED})):
        return 400
    return 200


def _refusal(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> Response:
    body = {"code": code, "message": message, "field": None, "reference": None}
    return JSONResponse(body, status_code=status, headers=headers)


routes = [
    Route("/events", receive_events, methods=["POST"]),
    Route("/schemas/", list_schemas, methods=["GET"]),
    Route("/schemas/{name}", show_schema, methods=["GET"]),
]
