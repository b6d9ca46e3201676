"""GraphQL over HTTP (the GraphQL Foundation's draft specification of that name), POST only.

* Media types: ``application/graphql-response+json`` if the client accepts it, with the status codes
  the specification gives it (400 when nothing was executed); else ``application/json`` and 200.
* No GET: a query in a URL ends up in logs and histories, and a mutation there is a hole.
* Persisted documents: ``{"documentId": "sha256:<hex>"}`` for documents this process has been sent
  before with the same ``documentId``; an unknown one is told apart, so the client sends the text once.
* Errors nobody foresaw are masked: outside they are one message and a reference to the log.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import structlog
from graphql import GraphQLError
from starlette.requests import Request
from starlette.responses import Response
from strawberry import Schema
from strawberry.schema.exceptions import CannotGetOperationTypeError
from strawberry.types import ExecutionResult

from schema.context import Context
from trust_portal.errors import TrustPortalError
from trust_portal.kernel.canonical import sha256_hex

_log = structlog.get_logger(__name__)

RESPONSE_JSON = "application/graphql-response+json"
LEGACY_JSON = "application/json"
MAX_BODY_BYTES = 256 * 1024
#: Together 16 MiB at most. Who is pushed out by others sends its text once more.
_MAX_PERSISTED = 512
_MAX_PERSISTED_TEXT = 32 * 1024


class _Body(msgspec.Struct, rename="camel"):
    query: str | None = None
    document_id: str | None = None
    operation_name: str | None = None
    variables: dict[str, Any] | None = None
    extensions: dict[str, Any] | None = None


class PersistedDocuments:
    """The documents clients have registered, least recently used first out."""

    def __init__(self) -> None:
        self._texts: OrderedDict[str, str] = OrderedDict()

    def resolve(self, body: _Body) -> str:
        """The document's text; raises ``GraphQLError`` for an unknown or a false id."""
        if body.document_id is None:
            if not body.query:
                raise GraphQLError("send a query", extensions={"code": "NO_DOCUMENT"})
            return body.query
        if body.query is None:
            text = self._texts.get(body.document_id)
            if text is None:
                raise GraphQLError(
                    "this document is not known here; send it once with its id",
                    extensions={"code": "PERSISTED_DOCUMENT_NOT_FOUND"},
                )
            self._texts.move_to_end(body.document_id)
            return text
        if body.document_id != f"sha256:{sha256_hex(body.query.encode())}":
            raise GraphQLError(
                "documentId is not sha256:<hex> of the query",
                extensions={"code": "PERSISTED_DOCUMENT_MISMATCH"},
            )
        if len(body.query) > _MAX_PERSISTED_TEXT:
            return body.query
        self._texts[body.document_id] = body.query
        if len(self._texts) > _MAX_PERSISTED:
            self._texts.popitem(last=False)
        return body.query


def endpoint(
    schema: Schema, context_of: Callable[[Request], Context]
) -> Callable[[Request], Awaitable[Response]]:
    """The Starlette endpoint that executes one document per POST."""
    documents = PersistedDocuments()

    async def graphql(request: Request) -> Response:
        media_type = _media_type(request)
        if request.method != "POST":
            return _refusal(405, "send the document with POST", media_type, {"allow": "POST"})
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != LEGACY_JSON:
            return _refusal(415, "send application/json", media_type)
        context = context_of(request)
        if context.caller is None:
            # Also introspection costs something, and there is nothing here for nobody.
            return _refusal(
                401,
                "sign in first, or send a token",
                media_type,
                {"www-authenticate": 'Bearer realm="trust-portal"'},
                code="NOT_SIGNED_IN",
            )
        raw = await _read(request)
        if raw is None:
            return _refusal(413, f"the body is larger than {MAX_BODY_BYTES} bytes", media_type)
        try:
            body = msgspec.json.decode(raw, type=_Body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            return _refusal(400, f"the body is no GraphQL request: {error}", media_type)
        try:
            text = documents.resolve(body)
        except GraphQLError as error:
            return _answer(ExecutionResult(data=None, errors=[error]), media_type, executed=False)
        try:
            result = await schema.execute(
                text,
                variable_values=body.variables,
                operation_name=body.operation_name,
                context_value=context,
            )
        except CannotGetOperationTypeError:
            return _refusal(400, "the document has no operation of that name", media_type)
        # `data` is missing, rather than null, when the document never ran.
        executed = result.data is not None or any(error.path for error in result.errors or ())
        return _answer(result, media_type, executed=executed)

    return graphql


async def _read(request: Request) -> bytes | None:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            return None
    return bytes(body)


def _media_type(request: Request) -> str:
    accept = request.headers.get("accept", "*/*")
    return RESPONSE_JSON if RESPONSE_JSON in accept else LEGACY_JSON


def _refusal(
    status: int,
    message: str,
    media_type: str,
    headers: dict[str, str] | None = None,
    code: str = "BAD_REQUEST",
) -> Response:
    return Response(
        msgspec.json.encode({"errors": [{"message": message, "extensions": {"code": code}}]}),
        status,
        headers,
        f"{media_type}; charset=utf-8",
    )


def _answer(result: Any, media_type: str, *, executed: bool) -> Response:
    payload: dict[str, Any] = {}
    if result.errors:
        payload["errors"] = [_outside(error) for error in result.errors]
    if executed:
        payload["data"] = result.data
    status = 200 if executed or media_type == LEGACY_JSON else 400
    return Response(msgspec.json.encode(payload), status, None, f"{media_type}; charset=utf-8")


def _outside(error: GraphQLError) -> dict[str, Any]:
    """An error as clients may see it: ours and the language's as they are, all others masked."""
    original = error.original_error
    # A variable of the wrong type is an error of the language too, wrapped once more.
    # So is whatever was wrong before anything ran: then there is no path.
    if original is None or error.path is None or isinstance(original, GraphQLError):
        return dict(error.formatted)
    formatted: dict[str, Any] = {
        "message": "",
        "path": error.path,
        "locations": error.formatted.get("locations"),
    }
    if isinstance(original, TrustPortalError) and original.status != 500:
        formatted["message"] = original.message
        formatted["extensions"] = {"code": original.code, "field": original.field}
    else:
        reference = secrets.token_hex(6)
        _log.error("unforeseen", reference=reference, path=error.path, exc_info=original)
        formatted["message"] = "something of ours broke; tell your operator the reference"
        formatted["extensions"] = {"code": "INTERNAL", "reference": reference}
    return formatted
