"""What every mutation answers besides its result: refusals a user can act on.

A refusal of the *request* (a wrong field, a conflict, no such thing) is a ``userErrors`` entry and
HTTP 200. A refusal of the *caller* (not signed in, denied) is a GraphQL error.
"""

from __future__ import annotations

import re
from typing import Final

import strawberry

from trust_portal.errors import Denied, NotSignedIn, Refused

#: Refusals that ``user_error`` can turn into entries; those of the caller fly on from there.
OF_THE_REQUEST = (Refused,)
_OF_THE_CALLER = (Denied, NotSignedIn)
#: A field of a command. Places in a document are left as the document spells them.
_FIELD: Final = re.compile(r"[a-z]+(_[a-z]+)+")


@strawberry.type(description="Why a mutation changed nothing.")
class UserError:
    code: str = strawberry.field(description="Stable, for programs.")
    message: str = strawberry.field(description="For people.")
    path: list[str] = strawberry.field(description="The argument it speaks of; empty for the whole.")


def user_error(refusal: Refused, **arguments: str) -> UserError:
    """The entry for a refusal of the request; one of the caller is raised again.

    ``arguments``: what the mutation calls a field that the service knows by another name.
    """
    if isinstance(refusal, _OF_THE_CALLER):
        raise refusal
    field = arguments.get(refusal.field, refusal.field) if refusal.field else None
    path = ["input", _argument(field)] if field else []
    return UserError(code=refusal.code, message=refusal.message, path=path)


def _argument(field: str) -> str:
    """As the schema spells it: ``valid_to`` is the argument ``validTo``."""
    if not _FIELD.fullmatch(field):
        return field
    first, *others = field.split("_")
    return first + "".join(map(str.capitalize, others))
