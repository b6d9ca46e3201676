"""Mutations and what every one of them answers besides its result: refusals a user can act on.

A refusal of the *request* (a wrong field, a conflict, no such thing) is a ``userErrors`` entry and
HTTP 200. A refusal of the *caller* (not signed in, denied) is a GraphQL error. ``@mutation`` tells them
apart, so that a resolver only does what it is asked and returns its payload.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, cast

import strawberry
from strawberry.extensions import FieldExtension
from strawberry.extensions.field_extension import AsyncExtensionResolver
from strawberry.types.base import StrawberryOptional

from trust_portal.errors import Denied, NotSignedIn, Refused

_OF_THE_CALLER = (Denied, NotSignedIn)
#: A field of a command. Places in a document are left as the document spells them.
_FIELD: Final = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


@strawberry.type(description="Why a mutation changed nothing.")
class UserError:
    code: str = strawberry.field(description="Stable, for programs.")
    message: str = strawberry.field(description="For people.")
    path: list[str] = strawberry.field(description="The argument it speaks of; empty for the whole.")


@strawberry.type
class Payload:
    """What a mutation answers. Everything but the errors has a default: that is what a refusal answers."""

    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Why nothing was changed; empty where it was."
    )


def mutation(
    *,
    description: str,
    arguments: Mapping[str, str] | None = None,
    metadata: Mapping[Any, Any] | None = None,
) -> Any:
    """``strawberry.mutation`` for a resolver that returns a ``Payload``.

    ``arguments``: what the mutation calls a field that the service knows by another name.
    """
    refusals = _Refusals(arguments or {})
    return strawberry.mutation(description=description, metadata=metadata, extensions=[refusals])


class _Refusals(FieldExtension):
    """What the resolver raises of the request becomes the payload's only entry; all else flies on."""

    def __init__(self, arguments: Mapping[str, str]) -> None:
        self._arguments = arguments

    async def resolve_async(
        self, next_: AsyncExtensionResolver, source: Any, info: strawberry.Info, **given: Any
    ) -> Any:
        try:
            return await next_(source, info, **given)
        except _OF_THE_CALLER:
            raise
        except Refused as refusal:
            payload = cast("type[Payload]", cast("StrawberryOptional", info.return_type).of_type)
            return payload(user_errors=[self._entry(refusal, given["input"])])

    def _entry(self, refusal: Refused, given: object) -> UserError:
        field = self._arguments.get(refusal.field, refusal.field) if refusal.field else None
        if field and not hasattr(given, field) and hasattr(given, f"{field}_id"):
            field = f"{field}_id"  # a service speaks of the incident, an argument of its id
        path = ["input", _argument(field)] if field else []
        return UserError(code=refusal.code, message=refusal.message, path=path)


def _argument(field: str) -> str:
    """As the schema spells it: ``valid_to`` is the argument ``validTo``."""
    if not _FIELD.fullmatch(field):
        return field
    first, *others = field.split("_")
    return first + "".join(map(str.capitalize, others))
