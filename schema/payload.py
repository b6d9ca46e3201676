"""What every mutation answers besides its result: refusals a user can act on.

A refusal of the *request* (a wrong field, a conflict, no such thing) is a ``userErrors`` entry and
HTTP 200. A refusal of the *caller* (not signed in, denied) is a GraphQL error.
"""

from __future__ import annotations

import strawberry

from trust_portal.errors import Denied, NotSignedIn, Refused

#: Refusals that ``user_error`` can turn into entries; those of the caller fly on from there.
OF_THE_REQUEST = (Refused,)
_OF_THE_CALLER = (Denied, NotSignedIn)


@strawberry.type(description="Why a mutation changed nothing.")
class UserError:
    code: str = strawberry.field(description="Stable, for programs.")
    message: str = strawberry.field(description="For people.")
    path: list[str] = strawberry.field(description="The argument it speaks of; empty for the whole.")


def user_error(refusal: Refused) -> UserError:
    """The entry for a refusal of the request; one of the caller is raised again."""
    if isinstance(refusal, _OF_THE_CALLER):
        raise refusal
    return UserError(
        code=refusal.code, message=refusal.message, path=["input", refusal.field] if refusal.field else []
    )
