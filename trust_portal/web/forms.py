"""Forms: text in, the same command dataclasses that GraphQL uses out.

A refused form comes back with status 422, what was typed, and the reason at its field.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any, TypeVar, overload

from starlette.datastructures import FormData
from starlette.requests import Request

from trust_portal.errors import InvalidInput, Refused
from trust_portal.kernel.page import PageRequest

_Choice = TypeVar("_Choice", bound=StrEnum)
_A = TypeVar("_A")
_B = TypeVar("_B")
_C = TypeVar("_C")
_D = TypeVar("_D")
_E = TypeVar("_E")
_F = TypeVar("_F")

#: Enough for every form of ours; more is an attack on the parser.
_MAX_FIELDS = 100


class WrongFields(InvalidInput):
    """Several fields of one form, each with its reason. As a whole it reads like the first."""

    def __init__(self, wrong: Sequence[InvalidInput]) -> None:
        first = wrong[0]
        super().__init__(first.message, field=first.field, code=first.code)
        self.wrong = tuple(wrong)


@dataclass(frozen=True, slots=True)
class FormState:
    """What a form shows: the values typed, and what was wrong with them."""

    values: Mapping[str, str] = field(default_factory=dict)
    refusal: Refused | None = None
    #: What the page calls every field beyond its own name.
    suffix: str = ""

    def value(self, name: str, default: str = "") -> str:
        return self.values.get(name, default)

    def error(self, name: str) -> str | None:
        return next((each["message"] for each in self.errors if each["field"] == name), None)

    @property
    def errors(self) -> list[dict[str, str | None]]:
        """For ``forms.error_summary``."""
        return [
            {"field": each.field and each.field + self.suffix, "message": each.message}
            for each in self._refusals
        ]

    def of(self, thing: object) -> FormState:
        """The same as one of several forms of a kind on a page, where fields are called ``reason-<thing>``."""
        suffix = f"-{thing}"
        return FormState({name + suffix: value for name, value in self.values.items()}, self.refusal, suffix)

    @property
    def _refusals(self) -> tuple[Refused, ...]:
        match self.refusal:
            case None:
                return ()
            case WrongFields(wrong=wrong):
                return wrong
            case refusal:
                return (refusal,)

    @property
    def status(self) -> int:
        """422 for a form that needs correcting (RFC 9110 §15.5.21), unless the refusal says it better."""
        if self.refusal is None:
            return 200
        return 422 if self.refusal.status == 400 else self.refusal.status


async def read_form(request: Request) -> FormData:
    """The posted form; files are not taken here."""
    return await request.form(max_files=0, max_fields=_MAX_FIELDS)


def texts(form: FormData) -> dict[str, str]:
    """The single-valued fields as text, for showing them again."""
    return {name: value.strip() for name, value in form.items() if isinstance(value, str)}


def required(form: FormData, name: str, *, label: str | None = None) -> str:
    """A field that must hold something."""
    value = str(form.get(name, "")).strip()
    if not value:
        raise InvalidInput(f"{label or name.replace('_', ' ')} is missing", field=name)
    return value


@overload
def together(a: Callable[[], _A], b: Callable[[], _B], /) -> tuple[_A, _B]: ...


@overload
def together(a: Callable[[], _A], b: Callable[[], _B], c: Callable[[], _C], /) -> tuple[_A, _B, _C]: ...


@overload
def together(
    a: Callable[[], _A], b: Callable[[], _B], c: Callable[[], _C], d: Callable[[], _D], /
) -> tuple[_A, _B, _C, _D]: ...


@overload
def together(
    a: Callable[[], _A],
    b: Callable[[], _B],
    c: Callable[[], _C],
    d: Callable[[], _D],
    e: Callable[[], _E],
    /,
) -> tuple[_A, _B, _C, _D, _E]: ...


@overload
def together(
    a: Callable[[], _A],
    b: Callable[[], _B],
    c: Callable[[], _C],
    d: Callable[[], _D],
    e: Callable[[], _E],
    f: Callable[[], _F],
    /,
) -> tuple[_A, _B, _C, _D, _E, _F]: ...


def together(*reads: Callable[[], Any]) -> tuple[Any, ...]:
    """What each of them reads of a form; ``WrongFields`` names all that are wrong, not only the first."""
    values, wrong = list[Any](), list[InvalidInput]()
    for read in reads:
        try:
            values.append(read())
        except InvalidInput as refusal:
            wrong.append(refusal)
    if wrong:
        raise WrongFields(wrong) if len(wrong) > 1 else wrong[0]
    return tuple(values)


def one_of(kind: type[_Choice], text: object, field: str) -> _Choice | None:
    """The member that ``text`` names; nothing for nothing, ``InvalidInput`` for what is none."""
    if not text:
        return None
    try:
        return kind(str(text))
    except ValueError:
        raise InvalidInput(f"choose one of {', '.join(kind)}", field=field) from None


def moment_of(text: object, field: str) -> datetime:
    """What ``datetime-local`` sends, read as UTC."""
    try:
        at = datetime.fromisoformat(str(text).strip())
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidInput("write day and time as 2026-06-14T09:30", field=field) from None


def day_of(text: object, field: str) -> date:
    """What a date field sends: ``2026-07-14``."""
    try:
        return date.fromisoformat(str(text).strip())
    except ValueError:
        raise InvalidInput("write the day as 2026-07-14", field=field) from None


def month_of(text: object, field: str) -> date:
    """What a month field sends, ``2026-07``, as its first day."""
    try:
        return date.fromisoformat(f"{str(text).strip()}-01")
    except ValueError:
        raise InvalidInput("write the month as 2026-07", field=field) from None


def start_of(day: date) -> datetime:
    """The first moment of a day in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def page_request(request: Request, *, size: int = 25) -> PageRequest:
    """``?after=`` or ``?before=`` with an opaque cursor."""
    return PageRequest(size, request.query_params.get("after"), request.query_params.get("before"))
