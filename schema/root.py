"""The schema, and its text: ``schema/schema.graphql`` is committed and compared in the tests.

``python -m schema.root`` writes it anew.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import strawberry
from graphql import GraphQLError
from strawberry.extensions import MaxTokensLimiter, ParserCache
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext
from strawberry.types.base import StrawberryObjectDefinition, StrawberryOptional
from strawberry.types.field import StrawberryField

from schema.instants import INSTANT
from schema.limits import MAX_TOKENS, BoundsFirst
from schema.mutations.root import Mutation
from schema.query import Query
from schema.work import FewAtOnce

SDL = Path(__file__).with_name("schema.graphql")

#: Bounded: the texts that reach a server are not all friendly.
_CACHED_DOCUMENTS = 256


class PortalSchema(strawberry.Schema):
    """Says nothing itself: a refusal is an answer, and what broke is logged once, where it is masked."""

    def get_fields(self, type_definition: StrawberryObjectDefinition) -> list[StrawberryField]:
        """What asks a service is null where that refuses: the rest of the answer, and what other mutations of
        the document did, comes all the same. What came with its row is never null for that reason.
        """
        fields = super().get_fields(type_definition)
        for field in fields:
            if field.is_async and not isinstance(field.type, StrawberryOptional):
                field.type = StrawberryOptional(field.type)
        return fields

    def process_errors(
        self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None
    ) -> None:
        """Strawberry's own would log every refusal with its stack."""


schema = PortalSchema(
    query=Query,
    mutation=Mutation,
    config=StrawberryConfig(auto_camel_case=True, scalar_map={datetime: INSTANT}),
    extensions=[
        lambda: MaxTokensLimiter(max_token_count=MAX_TOKENS),
        lambda: ParserCache(maxsize=_CACHED_DOCUMENTS),
        lambda: BoundsFirst(maxsize=_CACHED_DOCUMENTS),
        FewAtOnce,
    ],
)

if __name__ == "__main__":
    SDL.write_text(schema.as_str() + "\n", encoding="utf-8")
