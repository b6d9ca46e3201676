"""Instants as clients send them: in UTC where they name an offset. One that UTC does not have is no instant."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from graphql import GraphQLError
from strawberry.schema.types.base_scalars import DateTimeDefinition


def _in_utc(value: object) -> datetime:
    parse: Any = DateTimeDefinition.parse_value
    at: datetime = parse(value)
    try:
        return at if at.tzinfo is None else at.astimezone(UTC)
    except OverflowError:
        raise GraphQLError(f"Value cannot represent a DateTime: {value!r} is outside the calendar") from None


INSTANT = replace(DateTimeDefinition, parse_value=_in_utc)
