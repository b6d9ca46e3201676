"""OpenID Connect sign-in: authorization code with PKCE.

OpenID Connect Core 1.0 §3.1, Discovery 1.0, RFC 7636 (S256), RFC 9207 (``iss`` in the answer).
The provider says who it is; the house decides whether that is somebody. Nobody is created here.
"""

from __future__ import annotations

import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any, Final

import httpx
from authlib.common.urls import add_params_to_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from authlib.oidc.discovery import OpenIDProviderMetadata, get_well_known_url
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from trust_portal.errors import NotSignedIn, Unavailable
from trust_portal.kernel.clock import Clock

#: How long somebody may take at the provider.
TRANSACTION_LIFE: Final = timedelta(minutes=10)
#: Discovery and keys are fetched again after this; keys also when a token names an unknown one.
METADATA_LIFE: Final = timedelta(hours=1)
#: Clocks of two houses differ.
LEEWAY_SECONDS: Final = 60
#: Asymmetric only: with a symmetric one, whoever knows the client secret could sign.
ALGORITHMS: Final = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"]
_NEEDED: Final = ("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri")
TIMEOUT: Final = httpx.Timeout(10.0)


@dataclass(frozen=True, slots=True)
class OidcClient:
    """How we are known at the provider; ``redirect_uri`` must be registered there."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    redirect_uri: str


@dataclass(frozen=True, slots=True)
class OidcTransaction:
    """What the browser keeps (in a cookie of its own, HttpOnly) between going and coming back."""

    state: str
    nonce: str
    code_verifier: str = field(repr=False)
    started_at: float

    def to_text(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_text(cls, text: str) -> OidcTransaction:
        """Raises ``NotSignedIn`` for anything that ``to_text`` did not make."""
        try:
            value = json.loads(text)
            transaction = cls(**value)
        except (ValueError, TypeError) as error:
            raise refusal() from error
        texts = (transaction.state, transaction.nonce, transaction.code_verifier)
        if not all(isinstance(each, str) and each for each in texts):
            raise refusal()
        if not isinstance(transaction.started_at, int | float):
            raise refusal()
        return transaction


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom the provider vouches for. ``email`` is None unless the provider says it is verified."""

    issuer: str
    subject: str
    email: str | None


class OidcProvider:
    """The provider as seen from here; discovery and keys are kept for an hour."""

    def __init__(self, client: OidcClient, http: httpx.AsyncClient, clock: Clock) -> None:
        self._client = client
        self._http = http
        self._clock = clock
        self._metadata: dict[str, Any] | None = None
        self._keys: KeySet | None = None
        self._fetched_at = 0.0

    async def begin(self) -> tuple[str, OidcTransaction]:
        """Where to send the browser, and what it must bring back."""
        metadata = await self._discover()
        transaction = OidcTransaction(
            state=secrets.token_urlsafe(32),
            nonce=secrets.token_urlsafe(32),
            code_verifier=secrets.token_urlsafe(48),
            started_at=self._clock.now().timestamp(),
        )
        url = add_params_to_uri(
            metadata["authorization_endpoint"],
            [
                ("response_type", "code"),
                ("client_id", self._client.client_id),
                ("redirect_uri", self._client.redirect_uri),
                ("scope", "openid email profile"),
                ("state", transaction.state),
                ("nonce", transaction.nonce),
                ("code_challenge", create_s256_code_challenge(transaction.code_verifier)),
                ("code_challenge_method", "S256"),
            ],
        )
        return str(url), transaction

    async def finish(self, params: Mapping[str, str], transaction: OidcTransaction) -> Identity:
        """The identity behind the provider's answer.

        Raises ``NotSignedIn``, alike for a foreign or late answer, a refused code and a token with
        a wrong signature, issuer, audience, nonce or time; ``Unavailable`` where the provider is.
        """
        now = self._clock.now().timestamp()
        if not hmac.compare_digest(params.get("state", "").encode(), transaction.state.encode()):
            raise refusal()
        if not 0 <= now - transaction.started_at <= TRANSACTION_LIFE.total_seconds():
            raise refusal()
        issuer: str = (await self._discover())["issuer"]
        if "code" not in params or params.get("iss", issuer) != issuer:
            raise refusal()
        answer = await self._exchange(params["code"], transaction.code_verifier)
        claims = await self._claims(answer, issuer, transaction.nonce, now)
        email = claims.get("email") if claims.get("email_verified") is True else None
        return Identity(issuer, claims["sub"], email if isinstance(email, str) else None)

    async def close(self) -> None:
        await self._http.aclose()

    async def _exchange(self, code: str, code_verifier: str) -> Mapping[str, Any]:
        metadata = await self._discover()
        answer = await self._send(
            "POST",
            metadata["token_endpoint"],
            data={
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": self._client.redirect_uri,
                "code_verifier": code_verifier,
            },
            auth=httpx.BasicAuth(self._client.client_id, self._client.client_secret),
        )
        if answer.is_client_error:
            raise refusal()
        return self._json(answer)

    async def _claims(self, answer: Mapping[str, Any], issuer: str, nonce: str, now: float) -> CodeIDToken:
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise refusal()
        try:
            decoded = await self._decode(token)
            claims = CodeIDToken(
                decoded.claims,
                decoded.header,
                options={
                    "iss": {"essential": True, "value": issuer},
                    "aud": {"essential": True, "value": self._client.client_id},
                    "sub": {"essential": True},
                },
                params={
                    "nonce": nonce,
                    "client_id": self._client.client_id,
                    "access_token": answer.get("access_token"),
                },
            )
            claims.validate(now=int(now), leeway=LEEWAY_SECONDS)
        except (JoseError, ValueError) as error:
            raise refusal() from error
        if not isinstance(claims.get("sub"), str) or not claims["sub"]:
            raise refusal()
        return claims

    async def _decode(self, token: str) -> jwt.Token:
        try:
            return jwt.decode(token, await self._key_set(), algorithms=ALGORITHMS)
        except (JoseError, ValueError):
            # Keys rotate: one look at the present ones before the answer is no.
            return jwt.decode(token, await self._key_set(fresh=True), algorithms=ALGORITHMS)

    async def _key_set(self, *, fresh: bool = False) -> KeySet:
        metadata = await self._discover()
        if self._keys is None or fresh:
            answer = self._json(await self._send("GET", metadata["jwks_uri"]))
            try:
                self._keys = KeySet.import_key_set({"keys": answer["keys"]})
            except (JoseError, ValueError, KeyError, TypeError) as error:
                raise _down() from error
        return self._keys

    async def _discover(self) -> dict[str, Any]:
        now = self._clock.now().timestamp()
        if self._metadata is None or now - self._fetched_at > METADATA_LIFE.total_seconds():
            answer = self._json(
                await self._send("GET", get_well_known_url(self._client.issuer, external=True))
            )
            metadata = OpenIDProviderMetadata(answer)
            if not all(isinstance(metadata.get(name), str) for name in _NEEDED):
                raise _down()
            # Discovery §4.3: the document must be the issuer's own. Operators write issuers with and
            # without the last slash; tokens bear the spelling of the document.
            if metadata["issuer"].rstrip("/") != self._client.issuer.rstrip("/"):
                raise _down()
            self._metadata, self._keys, self._fetched_at = dict(metadata), None, now
        return self._metadata

    async def _send(self, method: str, url: str, **options: Any) -> httpx.Response:
        try:
            answer = await self._http.request(method, url, **options)
        except httpx.HTTPError as error:
            raise _down() from error
        if answer.is_server_error:
            raise _down()
        return answer

    @staticmethod
    def _json(answer: httpx.Response) -> dict[str, Any]:
        try:
            value = answer.json()
        except ValueError as error:
            raise _down() from error
        if not answer.is_success or not isinstance(value, dict):
            raise _down()
        return value


def refusal() -> NotSignedIn:
    """The one answer to every sign-in that does not hold."""
    return NotSignedIn(
        "this sign-in did not succeed; start again, or ask your administrator whether you are known here",
        code="BAD_CREDENTIAL",
    )


def _down() -> Unavailable:
    return Unavailable(
        "the identity provider does not answer as it should; try again", code="OIDC_UNAVAILABLE"
    )
