"""Control calls as they cross the border (docs/formats/control-calls.md): the body out, the answer in. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from trust_portal.kernel.canonical import Json, canonical
from trust_portal.kernel.clock import rfc3339

#: An answer is a few values; whoever sends more is not answering.
MOST_BYTES: Final = 64 * 1024
_MOST_WORDS: Final = 500


class AnswerState(StrEnum):
    """The product's three, and ours for everything that is none of them."""

    APPLIED = "applied"
    PENDING = "pending"
    REFUSED = "refused"
    NO_ANSWER = "no_answer"


@dataclass(frozen=True, slots=True)
class ControlCall:
    """One call. ``key`` names the step: sent again it is the same call, and applied once."""

    action: str
    tenant: str
    target: Mapping[str, str]
    parameters: Mapping[str, Any]
    key: str
    expires_at: datetime
    receipt: UUID | None
    dry_run: bool = False
    reverses: str | None = None

    @property
    def body(self) -> bytes:
        """The same bytes for every attempt."""
        found: dict[str, Json] = {
            "action": self.action,
            "tenant": self.tenant,
            "target": dict(self.target),
            "parameters": dict(self.parameters),
            "dry_run": self.dry_run,
            "idempotency_key": self.key,
            "expires_at": rfc3339(self.expires_at),
            "receipt": None if self.receipt is None else str(self.receipt),
        }
        if self.reverses is not None:
            found["reverses"] = self.reverses
        return canonical(found)


@dataclass(frozen=True, slots=True)
class Answer:
    """``reason`` says why it is not ``applied``, in words. ``more`` are members that we have no name for."""

    state: AnswerState
    effect: Mapping[str, Any]
    previous: Mapping[str, Any]
    reason: str | None = None
    more: Mapping[str, Any] | None = None


def no_answer(reason: str) -> Answer:
    """The product said nothing that counts."""
    return Answer(AnswerState.NO_ANSWER, {}, {}, reason[:_MOST_WORDS])


def read_answer(status: int, body: bytes) -> Answer:
    """What a response says. Whatever does not fit the format is no answer, and never ``applied``."""
    if status != 200:
        return no_answer(f"it answered {status}")
    try:
        value = json.loads(body, parse_float=str, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return no_answer("what it answered is no JSON")
    if not isinstance(value, dict):
        return no_answer("what it answered is no JSON object")
    known = {each.value: each for each in AnswerState if each is not AnswerState.NO_ANSWER}
    stated = value.get("state")
    state = known.get(stated) if isinstance(stated, str) else None
    if state is None:
        return no_answer("its answer has none of the states applied, pending and refused")
    effect, previous, reason = value.get("effect", {}), value.get("previous", {}), value.get("reason")
    if not (isinstance(effect, dict) and isinstance(previous, dict)):
        return no_answer("effect and previous of its answer are objects, or absent")
    more = {
        name: item for name, item in value.items() if name not in {"state", "effect", "previous", "reason"}
    }
    answer = Answer(state, effect, previous, str(reason)[:_MOST_WORDS] if reason else None, more)
    try:
        canonical([effect, previous, more])
    except (ValueError, RecursionError):
        return no_answer("its answer holds what no signed document can")
    return answer


def _refuse(text: str) -> None:
    raise ValueError(f"{text} is no JSON")
