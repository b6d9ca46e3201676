"""The exceptions of the house. Doors translate them; nothing else is ever shown to a user.

    TrustPortalError
    ├── Refused            the request cannot be honoured as it stands (HTTP 4xx)
    │   ├── InvalidInput       a field is wrong: names the field and the reason        400 / 422
    │   ├── NotSignedIn        no or an unusable credential                            401
    │   ├── Denied             policy says no; carries the deciding policy ids         403
    │   ├── NotFound           absent, or not yours: the two look alike                404
    │   ├── Conflict           true now, but not together with what is stored          409
    │   └── TooLarge           beyond a stated limit                                   413
    ├── Unavailable        a part the house needs does not answer; try again (503)
    └── Broken             an invariant of ours does not hold: stop, keep the evidence (500)
        ├── LedgerDisagrees    table, checkpoint and rebuilt root are not the same
        ├── BadPolicies        texts are no set of policies
        └── UnknownToPolicies  the policies do not speak of what is asked

Every error has a stable machine ``code``, a ``message`` a person can act on, and, where one
applies, the ``field`` it speaks of (a JSON path or a form field).
"""

from __future__ import annotations

from typing import ClassVar, Final

_DENIED: Final = "DENIED"
_NOT_FOUND: Final = "NOT_FOUND"
_NOT_SIGNED_IN: Final = "NOT_SIGNED_IN"
_BARE: Final = frozenset({_DENIED, _NOT_FOUND, _NOT_SIGNED_IN})


class TrustPortalError(Exception):
    """Root of the tree. ``status`` is the HTTP status the doors answer with."""

    status: ClassVar[int] = 500

    def __init__(self, message: str, *, code: str, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.field = field


class Refused(TrustPortalError):
    """The request cannot be honoured as it stands; nothing was changed."""

    status = 400

    @property
    def mendable(self) -> bool:
        """Whether other input would help, so that a form comes back with it. Not where nobody may, or nothing is."""
        return self.status not in {401, 403, 404}

    @property
    def bare(self) -> bool:
        """It says no more than its class: nobody may, or nothing is there. A page with a form has nothing to add.

        A denial with a code of its own (``OWN_REQUEST``, ``PASSKEY_REVOKED``) is explained where it was met.
        """
        return self.code in _BARE


class InvalidInput(Refused):
    """A value is malformed or out of range; ``field`` says which."""

    status = 422

    def __init__(self, message: str, *, field: str | None, code: str = "INVALID") -> None:
        super().__init__(message, code=code, field=field)


class NotSignedIn(Refused):
    """No credential, or one that is unknown, expired or revoked."""

    status = 401

    def __init__(self, message: str = "sign in first", *, code: str = _NOT_SIGNED_IN) -> None:
        super().__init__(message, code=code)


class Denied(Refused):
    """Policy says no. ``policies`` are the ids that decided (empty: no rule permits it)."""

    status = 403

    def __init__(self, message: str, *, policies: tuple[str, ...] = (), code: str = _DENIED) -> None:
        super().__init__(message, code=code)
        self.policies = policies


class NotFound(Refused):
    """There is no such thing, or it belongs to somebody else: the two must look alike."""

    status = 404

    def __init__(self, what: str, *, field: str | None = None, code: str = _NOT_FOUND) -> None:
        super().__init__(f"no such {what}", code=code, field=field)
        self.what = what


class Conflict(Refused):
    """The request contradicts what is already stored."""

    status = 409

    def __init__(self, message: str, *, field: str | None = None, code: str = "CONFLICT") -> None:
        super().__init__(message, code=code, field=field)


class TooLarge(Refused):
    """Beyond a stated limit; the message names the limit."""

    status = 413

    def __init__(self, message: str, *, field: str | None = None, code: str = "TOO_LARGE") -> None:
        super().__init__(message, code=code, field=field)


class Unavailable(TrustPortalError):
    """A part the house needs does not answer. Nothing was half-done; the caller may repeat."""

    status = 503

    def __init__(self, message: str, *, code: str = "UNAVAILABLE") -> None:
        super().__init__(message, code=code)


class Broken(TrustPortalError):
    """An invariant of the house does not hold. Never caught to carry on; loops over many things let it through.

    Two kinds of it are caught by name, and they alone: ``BadPolicies`` where old texts are shown, and
    ``UnknownToPolicies`` where texts decide that are older than the program.
    """

    def __init__(self, message: str, *, code: str = "BROKEN") -> None:
        super().__init__(message, code=code)


class LedgerDisagrees(Broken):
    """The log's table, its last checkpoint and the root rebuilt from leaves are not the same."""

    def __init__(self, message: str) -> None:
        super().__init__(message, code="LEDGER_DISAGREES")


class BadPolicies(Broken):
    """Texts that are no set of policies, or no rules of dual control."""

    def __init__(self, message: str) -> None:
        super().__init__(message, code="BAD_POLICY")


class UnknownToPolicies(Broken):
    """An act, or what is said with it, that the schema of the policies does not have."""

    def __init__(self, message: str) -> None:
        super().__init__(message, code="UNKNOWN_TO_POLICIES")
