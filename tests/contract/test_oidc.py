"""Sign-in against a provider that we did not write: authlib's server side, in its own process."""

from __future__ import annotations

import socket
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from support.oidc_provider import CLIENT_ID, CLIENT_SECRET, MISCHIEF, provider_process

from trust_portal.access.sign_in.oidc import Identity, OidcClient, OidcProvider, OidcTransaction
from trust_portal.errors import NotSignedIn, Unavailable
from trust_portal.kernel.clock import ManualClock

CALLBACK = "https://trust.example/sign-in/oidc/callback"


@pytest.fixture(scope="module")
def issuer():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with provider_process(port, CALLBACK) as issuer:
        yield issuer


@pytest.fixture
def clock():
    return ManualClock(datetime.now(UTC))


@pytest.fixture
async def provider(issuer, clock):
    http = httpx.AsyncClient()
    provider = OidcProvider(OidcClient(issuer, CLIENT_ID, CLIENT_SECRET, CALLBACK), http, clock)
    yield provider
    await provider.close()


async def visit(url: str, login: str) -> dict[str, str]:
    """What the browser brings back from the provider."""
    async with httpx.AsyncClient() as browser:
        answer = await browser.get(f"{url}&login={login}")
    assert answer.is_redirect, answer.text
    target = urlsplit(answer.headers["location"])
    assert target._replace(query="").geturl() == CALLBACK
    return {name: values[0] for name, values in parse_qs(target.query).items()}


async def test_the_provider_says_who_it_is(provider, issuer):
    url, transaction = await provider.begin()

    identity = await provider.finish(await visit(url, "vera"), transaction)

    assert identity == Identity(issuer, "subject-of-vera", "vera@acme.example")


async def test_the_request_has_pkce_state_and_nonce_and_shows_no_secret(provider):
    url, transaction = await provider.begin()
    asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}

    assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
    assert (asked["state"], asked["nonce"]) == (transaction.state, transaction.nonce)
    assert transaction.code_verifier not in url
    assert CLIENT_SECRET not in url
    assert transaction.code_verifier not in repr(transaction)
    assert OidcTransaction.from_text(transaction.to_text()) == transaction


@pytest.mark.parametrize(
    "login",
    [
        *sorted(set(MISCHIEF) - {"unverified", "verified-in-words"}),
        "foreign-key",
        "client-secret-as-key",
        "unsigned",
    ],
)
async def test_a_token_that_does_not_hold_is_refused(provider, login):
    url, transaction = await provider.begin()

    with pytest.raises(NotSignedIn) as refused:
        await provider.finish(await visit(url, login), transaction)

    assert refused.value.code == "BAD_CREDENTIAL"


@pytest.mark.parametrize("login", ["unverified", "verified-in-words"])
async def test_an_address_that_is_not_verified_is_no_address(provider, login):
    url, transaction = await provider.begin()

    identity = await provider.finish(await visit(url, login), transaction)

    assert (identity.subject, identity.email) == (f"subject-of-{login}", None)


async def test_an_answer_to_another_request_is_refused(provider):
    url, _ = await provider.begin()
    _, other = await provider.begin()

    with pytest.raises(NotSignedIn):
        await provider.finish(await visit(url, "vera"), other)


async def test_a_stolen_code_is_worth_nothing_without_its_verifier(provider):
    url, transaction = await provider.begin()
    answer = await visit(url, "vera")

    with pytest.raises(NotSignedIn):
        await provider.finish(answer, replace(transaction, code_verifier="A" * 64))


async def test_a_code_is_spent_once(provider):
    url, transaction = await provider.begin()
    answer = await visit(url, "vera")
    await provider.finish(answer, transaction)

    with pytest.raises(NotSignedIn):
        await provider.finish(answer, transaction)


@pytest.mark.parametrize(
    "change", [{"state": ""}, {"state": "é"}, {"code": "made-up"}, {"iss": "https://evil.example"}]
)
async def test_a_tampered_answer_is_refused(provider, change):
    url, transaction = await provider.begin()

    with pytest.raises(NotSignedIn):
        await provider.finish({**await visit(url, "vera"), **change}, transaction)


async def test_who_said_no_at_the_provider_is_not_signed_in(provider):
    _, transaction = await provider.begin()

    with pytest.raises(NotSignedIn):
        await provider.finish({"error": "access_denied", "state": transaction.state}, transaction)


async def test_whoever_takes_longer_than_ten_minutes_starts_again(provider, clock):
    url, transaction = await provider.begin()
    answer = await visit(url, "vera")
    clock.advance(timedelta(minutes=10, seconds=1))

    with pytest.raises(NotSignedIn):
        await provider.finish(answer, transaction)


@pytest.mark.parametrize(
    "text",
    ["", "null", "[]", "{}", '{"state": 1}', '{"state":"","nonce":"","code_verifier":"","started_at":0}'],
)
def test_a_damaged_transaction_is_refused(text):
    with pytest.raises(NotSignedIn):
        OidcTransaction.from_text(text)


async def test_a_provider_that_is_away_or_somebody_else_is_unavailable(issuer, clock):
    for wrong in ("http://127.0.0.1:9", f"{issuer}/other", issuer.replace("127.0.0.1", "localhost")):
        provider = OidcProvider(
            OidcClient(wrong, CLIENT_ID, CLIENT_SECRET, CALLBACK), httpx.AsyncClient(), clock
        )
        with pytest.raises(Unavailable):
            await provider.begin()
        await provider.close()


async def test_a_wrong_client_secret_is_refused(issuer, clock):
    provider = OidcProvider(OidcClient(issuer, CLIENT_ID, "wrong", CALLBACK), httpx.AsyncClient(), clock)
    url, transaction = await provider.begin()

    with pytest.raises(NotSignedIn):
        await provider.finish(await visit(url, "vera"), transaction)
    await provider.close()
