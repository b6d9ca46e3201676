"""A small OpenID provider on authlib's server side, run as a process of its own.

Who signs in is the ``login`` parameter that a test adds to the authorization URL; some of these
people have a provider that misbehaves for them (``MISCHIEF``).

    python tests/support/oidc_provider.py PORT REDIRECT_URI
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx
import uvicorn
from authlib.oauth2.rfc6749 import AuthorizationServer, OAuth2Payload, OAuth2Request
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant
from authlib.oauth2.rfc6750 import BearerTokenGenerator
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.core import OpenIDCode
from joserfc import jwt
from joserfc.jwk import KeySet, OctKey, RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

CLIENT_ID, CLIENT_SECRET = "trust-portal", "provider-test-secret-of-32-bytes!"

#: Login → claims it changes in the ID token, as a provider gone wrong would.
MISCHIEF: dict[str, dict[str, object]] = {
    "expired": {"exp": int(time.time()) - 3600},
    "from-the-future": {"iat": int(time.time()) + 7200, "nbf": int(time.time()) + 7200},
    "other-audience": {"aud": ["somebody-else"]},
    "other-party": {"azp": "somebody-else"},
    "other-issuer": {"iss": "https://evil.example"},
    "other-nonce": {"nonce": "replayed"},
    "other-access-token": {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
    "no-nonce": {"nonce": None},
    "no-subject": {"sub": None},
    "no-expiry": {"exp": None},
    "unverified": {"email_verified": False},
    "verified-in-words": {"email_verified": "true"},
}

KEY = RSAKey.generate_key(2048, {"kid": "present", "use": "sig", "alg": "RS256"}, auto_kid=False)
FOREIGN = RSAKey.generate_key(2048, {"kid": "present"}, auto_kid=False)


@dataclass
class Client:
    """The one client; authlib asks it what it may do."""

    redirect_uri: str
    client_id: str = CLIENT_ID

    def get_client_id(self):
        return self.client_id

    def get_default_redirect_uri(self):
        return None

    def get_allowed_scope(self, scope):
        return scope or ""

    def check_redirect_uri(self, uri):
        return uri == self.redirect_uri

    def check_client_secret(self, secret):
        return secret == CLIENT_SECRET

    def check_endpoint_auth_method(self, method, endpoint):
        return method == "client_secret_basic"

    def check_response_type(self, response_type):
        return response_type == "code"

    def check_grant_type(self, grant_type):
        return grant_type == "authorization_code"


@dataclass
class Code:
    """An authorization code until it is spent."""

    redirect_uri: str
    scope: str
    nonce: str | None
    login: str
    code_challenge: str | None
    code_challenge_method: str | None
    auth_time: int = field(default_factory=lambda: int(time.time()))

    def get_redirect_uri(self):
        return self.redirect_uri

    def get_scope(self):
        return self.scope

    def get_nonce(self):
        return self.nonce

    def get_auth_time(self):
        return self.auth_time

    def get_acr(self):
        return None

    def get_amr(self):
        return None


CODES: dict[str, Code] = {}


class Payload(OAuth2Payload):
    def __init__(self, pairs):
        self._pairs = pairs

    @property
    def data(self):
        return dict(self._pairs)

    @property
    def datalist(self):
        values = defaultdict(list)
        for name, value in self._pairs:
            values[name].append(value)
        return values


class ServerRequest(OAuth2Request):
    """A Starlette request whose body has been read, as authlib wants it."""

    def __init__(self, request: Request, form):
        super().__init__(request.method, str(request.url), headers=request.headers)
        self.payload = Payload([*request.query_params.multi_items(), *form])
        self._args, self._form = dict(request.query_params), dict(form)

    @property
    def args(self):
        return self._args

    @property
    def form(self):
        return self._form


class Server(AuthorizationServer):
    def __init__(self, client: Client):
        super().__init__()
        self._client = client

    def query_client(self, client_id):
        return self._client if client_id == self._client.client_id else None

    def save_token(self, token, request):
        """Nobody asks for it again."""

    def send_signal(self, name, *args, **kwargs):
        """Nobody listens."""

    def create_oauth2_request(self, request):
        return request

    def handle_response(self, status, body, headers):
        if isinstance(body, dict):
            return JSONResponse(body, status, headers=dict(headers))
        return Response(body, status, headers=dict(headers))


class CodeGrant(AuthorizationCodeGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_basic",)

    def save_authorization_code(self, code, request):
        data = request.payload.data
        CODES[code] = Code(
            redirect_uri=data.get("redirect_uri"),
            scope=request.scope,
            nonce=data.get("nonce"),
            login=request.user,
            code_challenge=data.get("code_challenge"),
            code_challenge_method=data.get("code_challenge_method"),
        )

    def query_authorization_code(self, code, client):
        return CODES.get(code)

    def delete_authorization_code(self, authorization_code):
        for code, stored in list(CODES.items()):
            if stored is authorization_code:
                del CODES[code]

    def authenticate_user(self, authorization_code):
        return authorization_code.login


class IdTokens(OpenIDCode):
    def __init__(self, issuer: str):
        super().__init__(require_nonce=True)
        self._issuer = issuer

    def exists_nonce(self, nonce, request):
        return any(code.nonce == nonce for code in CODES.values())

    def resolve_client_private_key(self, client):
        return KEY

    def get_encode_header(self, client):
        return {"alg": "RS256", "kid": "present"}

    def get_client_claims(self, client):
        return {"iss": self._issuer, "aud": [client.client_id]}

    def generate_user_info(self, user, scope):
        return {"sub": f"subject-of-{user}", "email": f"{user}@acme.example", "email_verified": True}

    def encode_id_token(self, token, request):
        good = super().encode_id_token(token, request)
        claims = jwt.decode(good, KEY).claims
        claims.update(MISCHIEF.get(request.user, {}))
        claims = {name: value for name, value in claims.items() if value is not None}
        if request.user == "foreign-key":
            return jwt.encode({"alg": "RS256", "kid": "present"}, claims, FOREIGN)
        if request.user == "client-secret-as-key":
            return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(CLIENT_SECRET))
        if request.user == "unsigned":
            return jwt.encode({"alg": "none"}, claims, None, ["none"])
        return jwt.encode({"alg": "RS256", "kid": "present"}, claims, KEY)


def create_app(issuer: str, redirect_uri: str) -> Starlette:
    server = Server(Client(redirect_uri))
    server.register_grant(CodeGrant, [IdTokens(issuer), CodeChallenge(required=True)])
    server.register_token_generator("default", BearerTokenGenerator(lambda **_: os.urandom(16).hex()))

    async def discovery(request: Request) -> Response:
        return JSONResponse(
            {
                "issuer": issuer,
                "authorization_endpoint": f"{issuer}/authorize",
                "token_endpoint": f"{issuer}/token",
                "jwks_uri": f"{issuer}/jwks",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
            }
        )

    async def jwks(request: Request) -> Response:
        return JSONResponse(KeySet([KEY]).as_dict(private=False))

    async def authorize(request: Request) -> Response:
        wanted = ServerRequest(request, [])
        grant = server.get_consent_grant(wanted, end_user=request.query_params.get("login"))
        return server.create_authorization_response(wanted, request.query_params.get("login"), grant)

    async def token(request: Request) -> Response:
        form = await request.form()
        return server.create_token_response(ServerRequest(request, form.multi_items()))

    return Starlette(
        routes=[
            Route("/.well-known/openid-configuration", discovery),
            Route("/jwks", jwks),
            Route("/authorize", authorize),
            Route("/token", token, methods=["POST"]),
        ]
    )


@contextmanager
def provider_process(port: int, redirect_uri: str) -> Iterator[str]:
    """The provider as a process on the loopback; yields its issuer."""
    issuer = f"http://127.0.0.1:{port}"
    process = subprocess.Popen(
        [sys.executable, __file__, str(port), redirect_uri],
        # The loopback is the one place where OAuth without TLS is in order.
        env={**os.environ, "AUTHLIB_INSECURE_TRANSPORT": "1"},
    )
    try:
        deadline = time.monotonic() + 90
        while True:
            try:
                httpx.get(f"{issuer}/jwks").raise_for_status()
                break
            except httpx.TransportError:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError("the provider did not start") from None
                time.sleep(0.05)
        yield issuer
    finally:
        process.terminate()
        process.wait(timeout=30)


if __name__ == "__main__":
    PORT = int(sys.argv[1])
    uvicorn.run(create_app(f"http://127.0.0.1:{PORT}", sys.argv[2]), port=PORT, log_level="warning")
