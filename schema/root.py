"""The schema, and its text: ``schema/schema.graphql`` is committed and compared in the tests.

``python -m schema.root`` writes it anew.
"""

from __future__ import annotations

from pathlib import Path

import strawberry
from strawberry.extensions import AddValidationRules, MaxTokensLimiter, ParserCache, ValidationCache
from strawberry.schema.config import StrawberryConfig

from schema.limits import MAX_TOKENS, BoundedDocument
from schema.mutations.root import Mutation
from schema.query import Query

SDL = Path(__file__).with_name("schema.graphql")

#: Bounded: the texts that reach a server are not all friendly.
_CACHED_DOCUMENTS = 256

schema = strawberry.Schema(
    query=Query,
    mutation=Mutation,
    config=StrawberryConfig(auto_camel_case=True),
    extensions=[
        lambda: MaxTokensLimiter(max_token_count=MAX_TOKENS),
        lambda: AddValidationRules([BoundedDocument]),
        lambda: ParserCache(maxsize=_CACHED_DOCUMENTS),
        lambda: ValidationCache(maxsize=_CACHED_DOCUMENTS),
    ],
)

if __name__ == "__main__":
    SDL.write_text(schema.as_str() + "\n", encoding="utf-8")
