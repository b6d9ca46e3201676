"""What people do with a postmortem: save, judge, submit, return, accept, sign, reopen."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from trust_portal.errors import InvalidInput, Refused
from trust_portal.evidence.assertion import Assertion
from trust_portal.evidence.strict import parse_json
from trust_portal.learning.postmortems.model import (
    PARTS,
    Accept,
    Judge,
    Judgment,
    Reopen,
    Return,
    SaveDraft,
    Sign,
    Submit,
    Verdict,
    Written,
)
from trust_portal.web.context import actor_of, house_of
from trust_portal.web.forms import FormState, one_of, read_form, required, texts
from trust_portal.web.views.postmortem.one import edit, postmortem, postmortem_id


async def save(request: Request) -> Response:
    async def act(form: FormData) -> None:
        written = Written(**{name: str(form.get(name, "")) for name in PARTS})
        command = SaveDraft(postmortem_id(request), _revision(form), written)
        await house_of(request).postmortem_writing.save(command, actor_of(request))

    return await _done(request, act, edit)


async def judge(request: Request) -> Response:
    async def act(form: FormData) -> None:
        verdict = one_of(Verdict, form.get("verdict"), "verdict")
        if verdict is None:
            raise InvalidInput("say whether it is suspect or cleared", field="verdict")
        judgment = Judgment(verdict, str(form.get("judge_reason", "")))
        command = Judge(postmortem_id(request), required(form, "fact", label="which fact you mean"), judgment)
        await house_of(request).postmortem_writing.judge(command, actor_of(request))

    return await _done(request, act)


async def submit(request: Request) -> Response:
    async def act(form: FormData) -> None:
        command = Submit(postmortem_id(request), _revision(form))
        await house_of(request).postmortem_writing.submit(command, actor_of(request))

    return await _done(request, act)


async def send_back(request: Request) -> Response:
    async def act(form: FormData) -> None:
        command = Return(postmortem_id(request), str(form.get("return_reason", "")))
        await house_of(request).postmortem_writing.return_(command, actor_of(request))

    return await _done(request, act)


async def accept(request: Request) -> Response:
    async def act(form: FormData) -> None:
        command = Accept(postmortem_id(request), required(form, "digest"), str(form.get("accept_reason", "")))
        await house_of(request).postmortem_writing.accept(command, actor_of(request))

    return await _done(request, act)


async def sign(request: Request) -> Response:
    async def act(form: FormData) -> None:
        text = str(form.get("assertion", ""))
        assertion = Assertion.of(parse_json(text.encode(), field="assertion")) if text else None
        command = Sign(
            postmortem_id(request), required(form, "digest"), str(form.get("rationale", "")), assertion
        )
        await house_of(request).postmortem_signing.sign(command, actor_of(request))

    return await _done(request, act)


async def reopen(request: Request) -> Response:
    async def act(form: FormData) -> None:
        command = Reopen(postmortem_id(request), str(form.get("reopen_reason", "")))
        await house_of(request).postmortem_signing.reopen(command, actor_of(request))

    return await _done(request, act)


async def ask_again(request: Request) -> Response:
    """The bundle that came with a signature, again where making it failed."""
    actor, house = actor_of(request), house_of(request)
    asked, number = postmortem_id(request), request.path_params["version"]
    found = await house.postmortem_reader.version(actor, asked, number)
    await house.postmortem_bundles.of_version(actor, found.version.receipt_id)
    return RedirectResponse(f"/postmortems/{asked}/versions/{number}#bundle", status_code=303)


async def renew(request: Request) -> Response:
    """A bundle of an old version that says by what it was superseded; on its page it is shown as it is made."""
    asked, number = postmortem_id(request), request.path_params["version"]
    await house_of(request).postmortem_bundles.renew(actor_of(request), asked, number)
    return RedirectResponse(f"/postmortems/{asked}/versions/{number}#renewed", status_code=303)


async def _done(
    request: Request,
    act: Callable[[FormData], Awaitable[None]],
    again: Callable[[Request, FormState], Awaitable[Response]] = postmortem,
) -> Response:
    """To the postmortem as it now stands, or ``again`` with the reason why nothing was changed."""
    form = await read_form(request)
    try:
        await act(form)
    except Refused as refusal:
        if refusal.bare:
            raise
        return await again(request, FormState(texts(form), refusal))
    return RedirectResponse(f"/postmortems/{postmortem_id(request)}", status_code=303)


def _revision(form: FormData) -> int:
    text = str(form.get("revision", "")).strip()
    if not (text.isascii() and text.isdecimal() and len(text) <= 9):
        raise InvalidInput("there is no such draft", field="revision")
    return int(text)


_ONE = "/postmortems/{postmortem:uuid}"
routes = [
    Route(f"{_ONE}/edit", save, methods=["POST"]),
    Route(f"{_ONE}/judge", judge, methods=["POST"]),
    Route(f"{_ONE}/submit", submit, methods=["POST"]),
    Route(f"{_ONE}/return", send_back, methods=["POST"]),
    Route(f"{_ONE}/accept", accept, methods=["POST"]),
    Route(f"{_ONE}/sign", sign, methods=["POST"]),
    Route(f"{_ONE}/reopen", reopen, methods=["POST"]),
    Route(f"{_ONE}/versions/{{version:int}}/export", ask_again, methods=["POST"]),
    Route(f"{_ONE}/versions/{{version:int}}/bundle", renew, methods=["POST"]),
]
