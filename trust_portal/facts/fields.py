"""The kinds of value an event may carry, with their bounds. They become the published JSON Schemas."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Final

from msgspec import Meta

#: What PostgreSQL's bigint holds.
MAX_COUNT: Final = 2**63 - 1

#: The end of a pattern: a bare ``$`` lets a line feed slip in behind it.
END: Final = r"$(?!\n)"

#: External keys end up in indexes, whose entries PostgreSQL limits to about 2,700 bytes.
Key = Annotated[str, Meta(min_length=1, max_length=200)]
ShortText = Annotated[str, Meta(max_length=1000)]
LongText = Annotated[str, Meta(max_length=100_000)]
EventId = Annotated[str, Meta(min_length=1, max_length=512)]
Source = Annotated[str, Meta(min_length=1, max_length=1024, description="URI reference of the producer")]
Count = Annotated[int, Meta(ge=0, le=MAX_COUNT)]
Amount = Annotated[float, Meta(ge=0)]
Percentage = Annotated[float, Meta(ge=0, le=100)]
Instant = Annotated[datetime, Meta(tz=True, description="RFC 3339, with its offset")]
Minute = Annotated[datetime, Meta(tz=True, description="RFC 3339: the start of a whole minute")]

#: Finer than any currency's minor unit, since a single call may cost a fraction of a cent;
#: still exact in ``numeric``. Negative amounts are refunds.
MAX_DECIMAL_INTEGRAL: Final = 15
MAX_DECIMAL_FRACTION: Final = 12
DecimalText = Annotated[
    str,
    Meta(
        pattern=rf"^-?[0-9]{{1,{MAX_DECIMAL_INTEGRAL}}}(\.[0-9]{{1,{MAX_DECIMAL_FRACTION}}})?" + END,
        description=(
            f"Exact amount in major units: at most {MAX_DECIMAL_INTEGRAL} digits before "
            f"the point and {MAX_DECIMAL_FRACTION} after it"
        ),
    ),
]
Currency = Annotated[str, Meta(pattern="^[A-Z]{3}" + END, description="ISO 4217 code")]

BucketBound = Annotated[str, Meta(pattern=r"^(\+Inf|[0-9]{1,12}(\.[0-9]{1,9})?)" + END)]
Buckets = Annotated[
    dict[BucketBound, Count],
    Meta(
        min_length=1,
        max_length=64,
        description=(
            "Cumulative counts by inclusive upper bound (`le`). Counts never fall as bounds rise, "
            "and `+Inf` is there and equals `total`"
        ),
    ),
]
Labels = Annotated[dict[Annotated[str, Meta(max_length=200)], ShortText], Meta(max_length=64)]
Keys = Annotated[list[Key], Meta(min_length=1, max_length=10_000)]


def bound_label(text: str) -> str:
    """One spelling for one bound: ``0.50`` and ``00.5`` are ``0.5``; ``+Inf`` stays."""
    return text if text == "+Inf" else f"{Decimal(text).normalize():f}"
