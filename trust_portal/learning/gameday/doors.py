"""The doors of a running installation, as any client with a token has them: events and GraphQL."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import urlsplit

import httpx

from trust_portal.errors import Denied, InvalidInput, NotSignedIn, TrustPortalError, Unavailable

#: Seconds until an answer is given up.
_PATIENCE: Final = 60.0


class Doors:
    """``url`` is the portal's address. What is refused raises by who could mend it.

    Raises ``NotSignedIn`` for the token, ``Denied`` for its rights, ``InvalidInput`` for what was sent, ``Unavailable``
    where nobody answers or not as a portal does.
    """

    def __init__(self, url: str, token: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise InvalidInput("give the portal's address, with http:// or https://", field="url")
        if not token.strip() or not token.strip().isascii():
            raise InvalidInput("give an API token", field="token")
        self.url = url.rstrip("/")
        self._client = httpx.Client(
            base_url=self.url,
            timeout=_PATIENCE,
            headers={"authorization": f"Bearer {token.strip()}", "accept": "application/json"},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def tell(self, *events: Mapping[str, Any]) -> None:
        """By ``POST /events``: all of them are stored, or it raises with the first that is not."""
        body = "\n".join(json.dumps(each) for each in events)
        answer = self._post("/events", body.encode(), "application/x-ndjson")
        for rejection in answer.get("rejected", ()):
            where = f" at {rejection['path']}" if rejection.get("path") else ""
            raise _refusal(rejection["code"], f"POST /events: {rejection['message']}{where}")

    def ask(self, document: str, **variables: Any) -> Any:
        """The ``data`` that GraphQL answers."""
        answer = self._graphql(document, variables)
        for error in answer.get("errors", ()):
            code = error.get("extensions", {}).get("code", "NO_ANSWER")
            raise _refusal(code, f"GraphQL: {error['message']}")
        return answer["data"]

    def act(self, document: str, **variables: Any) -> Any:
        """What the one mutation of ``document`` comes to; its ``userErrors`` raise ``InvalidInput``."""
        (payload,) = self.ask(document, **variables).values()
        for error in payload["userErrors"]:
            raise InvalidInput(f"GraphQL: {error['message']}", field=None, code=error["code"])
        return payload

    def is_refused(self, document: str, **variables: Any) -> bool:
        """Whether policy refuses the caller."""
        try:
            self.ask(document, **variables)
        except Denied:
            return True
        return False

    def _graphql(self, document: str, variables: Mapping[str, Any]) -> Any:
        body = json.dumps({"query": document, "variables": variables}).encode()
        return self._post("/graphql", body, "application/json")

    def _post(self, path: str, body: bytes, media_type: str) -> Any:
        try:
            answer = self._client.post(path, content=body, headers={"content-type": media_type})
            found = answer.json()
        except httpx.HTTPError as error:
            raise Unavailable(f"{self.url} does not answer: {error}", code="NO_ANSWER") from error
        except ValueError as error:
            raise Unavailable(
                f"{self.url}{path} answered {answer.status_code} and no JSON", code="NO_PORTAL"
            ) from error
        if not isinstance(found, dict):
            raise Unavailable(f"{self.url}{path} does not answer as a portal does", code="NO_PORTAL")
        if not answer.is_success and "errors" not in found:
            raise _refusal(
                found.get("code") or str(answer.status_code), f"POST {path}: {found.get('message')}"
            )
        return found


def _refusal(code: str, message: str) -> TrustPortalError:
    match code:
        case "NOT_SIGNED_IN" | "BAD_CREDENTIAL":
            return NotSignedIn(message, code=code)
        case "DENIED" | "FORBIDDEN_SOURCE" | "FORBIDDEN_TENANT":
            return Denied(message, code=code)
        case "INTERNAL" | "NO_ANSWER" | "UNAVAILABLE" | "503":
            return Unavailable(message, code=code)
        case _:
            return InvalidInput(message, field=None, code=code)
