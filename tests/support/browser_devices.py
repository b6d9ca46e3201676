"""Devices of browsers that really sign: Chromium's virtual authenticator, as its owner's finger would use it."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from typing import Any

from playwright.sync_api import Page, expect

from trust_portal.kernel.canonical import Json, canonical

_SIGN = """async ({ challenge, rpId }) => {
  const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  const { rawId, response } = await navigator.credentials.get({
    publicKey: { challenge: bytes(challenge), rpId, userVerification: "required" },
  });
  return {
    credentialId: text(rawId),
    authenticatorData: text(response.authenticatorData),
    clientDataJSON: text(response.clientDataJSON),
    signature: text(response.signature),
  };
}"""
_ASK = """async ({ query, variables }) => {
  const answer = await fetch("/graphql", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ query, variables }),
  });
  return await answer.json();
}"""


def give_a_device(page: Page) -> None:
    """An authenticator of the browser's own, whose owner is always recognised (WebAuthn §11, CDP)."""
    cdp = page.context.new_cdp_session(page)
    cdp.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    cdp.send("WebAuthn.addVirtualAuthenticator", {"options": options})


def enrol(visitor: Any, name: str) -> None:
    """Add the device to the visitor's account, by its page."""
    visitor.open("/account")
    visitor.page.fill("#name", name)
    visitor.page.click("button:has-text('Add a passkey')")
    visitor.page.click("button:has-text('Create the passkey')")
    expect(visitor.page.locator("#main th", has_text=name)).to_be_visible()


def sign(page: Page, statement: Mapping[str, Json]) -> dict[str, str]:
    """What the device gives for a statement that the page did not make: its owner can sign anything here."""
    challenge = hashlib.sha256(canonical(dict(statement))).digest()
    given: dict[str, str] = page.evaluate(_SIGN, {"challenge": _base64(challenge), "rpId": "localhost"})
    return given


def ask(page: Page, query: str, **variables: Any) -> dict[str, Any]:
    """GraphQL's whole answer to a script of the page, which comes with the visitor's cookie."""
    answer: dict[str, Any] = page.evaluate(_ASK, {"query": query, "variables": variables})
    return answer


def _base64(data: bytes) -> str:

    return base64.b64encode(data).decode()
