"""Asking and acting over GraphQL, as whoever is signed in."""

from __future__ import annotations

from typing import Any

import httpx

from schema.ids import encode
from schema.root import schema


def tenant(id_: object) -> str:
    return encode("Tenant", id_, id_)  # type: ignore[arg-type]


async def ask(client: httpx.AsyncClient, query: str, **variables: Any) -> dict[str, Any]:
    answer = (await client.post("/graphql", json={"query": query, "variables": variables})).json()
    assert "errors" not in answer, answer
    found: dict[str, Any] = answer["data"]
    return found


async def do(client: httpx.AsyncClient, act: str, asked: str, /, **given: Any) -> Any:
    """What the act answers; of one that is refused to the caller, its code."""
    takes = schema._schema.mutation_type.fields[act].args["input"].type
    query = f"mutation ($input: {takes}) {{ {act}(input: $input) {{ {asked} userErrors {{ code message path }} }} }}"
    answer = (await client.post("/graphql", json={"query": query, "variables": {"input": given}})).json()
    if "errors" in answer:
        return answer["errors"][0]["extensions"]["code"]
    return answer["data"][act]


def refused(code: str, message: str, *path: str) -> list[dict[str, Any]]:
    return [{"code": code, "message": message, "path": list(path)}]
