"""What a document may ask: bounds checked before anything runs.

The rules are classes made once, so that the validation cache, whose key contains them, can hit.

======== ===== ==========================================================================
limit    value what is counted
======== ===== ==========================================================================
tokens   2,000 lexical tokens of the document, before it is parsed
depth       12 nested fields, through fragments; introspection included
aliases     20 aliased fields in the whole document
cost     2,000 fields that could be returned: each counts 1, times ``first``/``last`` above it
======== ===== ==========================================================================
"""

from __future__ import annotations

from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    ValidationContext,
    ValidationRule,
)

MAX_TOKENS = 2_000
MAX_DEPTH = 12
MAX_ALIASES = 20
MAX_COST = 2_000
#: What a page costs when its size comes in a variable, which validation does not see.
_PAGE_IN_VARIABLE = 100


class BoundedDocument(ValidationRule):
    """Refuses a document that is too deep, has too many aliases or could return too much."""

    def __init__(self, context: ValidationContext) -> None:
        super().__init__(context)
        self._fragments: dict[str, FragmentDefinitionNode] = {}

    def enter_document(self, node: DocumentNode, *_: Any) -> None:
        self._fragments = {
            item.name.value: item for item in node.definitions if isinstance(item, FragmentDefinitionNode)
        }
        aliases = sum(
            _aliases(item.selection_set)
            for item in node.definitions
            if isinstance(item, OperationDefinitionNode | FragmentDefinitionNode)
        )
        if aliases > MAX_ALIASES:
            self._refuse("aliases", aliases, MAX_ALIASES)
        for item in node.definitions:
            if isinstance(item, OperationDefinitionNode):
                depth, cost = self._measure(item.selection_set, frozenset())
                if depth > MAX_DEPTH:
                    self._refuse("depth", depth, MAX_DEPTH)
                if cost > MAX_COST:
                    self._refuse("cost", cost, MAX_COST)

    def _measure(self, selections: SelectionSetNode | None, spread: frozenset[str]) -> tuple[int, int]:
        """Depth and cost of a selection. A fragment that spreads itself is another rule's error."""
        deepest = total = 0
        for node in selections.selections if selections else ():
            if isinstance(node, FieldNode):
                depth, inner = self._measure(node.selection_set, spread)
                depth, cost = depth + 1, 1 + inner * _page_size(node)
            elif isinstance(node, InlineFragmentNode):
                depth, cost = self._measure(node.selection_set, spread)
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in spread:
                fragment = self._fragments.get(node.name.value)
                depth, cost = self._measure(
                    fragment.selection_set if fragment else None, spread | {node.name.value}
                )
            else:
                continue
            deepest, total = max(deepest, depth), total + cost
            if total > MAX_COST or deepest > MAX_DEPTH:
                break
        return deepest, total

    def _refuse(self, what: str, asked: int, limit: int) -> None:
        self.report_error(
            GraphQLError(
                f"the document's {what} is {asked}, more than {limit}; ask in smaller parts",
                extensions={"code": "DOCUMENT_TOO_LARGE", "limit": what},
            )
        )


def _page_size(node: FieldNode) -> int:
    for argument in node.arguments or ():
        if argument.name.value in {"first", "last"}:
            value = argument.value
            return max(1, int(value.value)) if isinstance(value, IntValueNode) else _PAGE_IN_VARIABLE
    return 1


def _aliases(selections: SelectionSetNode | None) -> int:
    count = 0
    for node in selections.selections if selections else ():
        if isinstance(node, FieldNode):
            count += node.alias is not None
        if isinstance(node, FieldNode | InlineFragmentNode):
            count += _aliases(node.selection_set)
    return count
