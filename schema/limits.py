"""What a document may ask: bounds checked before anything runs.

The rules are classes made once, so that the validation cache, whose key contains them, can hit.

======== ===== ==========================================================================
limit    value what is counted
======== ===== ==========================================================================
tokens   2,000 lexical tokens of the document, before it is parsed
depth       12 nested fields, through fragments; introspection included
aliases     20 aliased fields in the whole document
repeats     30 how often one place may ask for one answer, through fragments: whether all of them mean
               the same is work that grows with their square
cost     2,000 fields that could be returned: each counts 1, times ``first``/``last`` above it;
               what is calculated when it is asked for counts what its field says it weighs
               (``schema.work``): an explanation 100, a Trust Report's preview 300,
               a trial on a whole month 500
======== ===== ==========================================================================
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    InlineFragmentNode,
    IntValueNode,
    NoFragmentCyclesRule,
    OperationDefinitionNode,
    SelectionSetNode,
    ValidationContext,
    ValidationRule,
    get_named_type,
)
from strawberry.extensions import ValidationCache

from schema.work import weight_of
from trust_portal.kernel.page import MAX_PAGE

MAX_TOKENS = 2_000
MAX_DEPTH = 12
MAX_ALIASES = 20
MAX_REPEATS = 30
MAX_COST = 2_000
#: What a page costs when its size comes in a variable, which validation does not see.
_PAGE_IN_VARIABLE = MAX_PAGE


class BoundsFirst(ValidationCache):
    """Validates against the rest only what is within bounds: some of the other rules are work without any."""

    def on_validate(self) -> Iterator[None]:
        context = self.execution_context
        context.pre_execution_errors = self.cached_validate_document(
            context.schema._schema,  # noqa: SLF001 - as Strawberry's own does
            context.graphql_document,
            (NoFragmentCyclesRule, BoundedDocument),
        )
        if context.pre_execution_errors:
            yield
        else:
            yield from super().on_validate()


class BoundedDocument(ValidationRule):
    """Refuses a document that is too deep, has too many aliases, repeats itself or could return too much."""

    def __init__(self, context: ValidationContext) -> None:
        super().__init__(context)
        self._fragments: dict[str, FragmentDefinitionNode] = {}
        self._measured: dict[str, tuple[int, int]] = {}
        self._within: set[str] = set()
        self._endless = False

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
                depth, cost = self._measure(
                    item.selection_set, self.context.schema.get_root_type(item.operation)
                )
                if depth > MAX_DEPTH:
                    self._refuse("depth", depth, MAX_DEPTH)
                if cost > MAX_COST:
                    self._refuse("cost", cost, MAX_COST)
                elif not self._endless and (repeats := self._repeats([item.selection_set])) > MAX_REPEATS:
                    self._refuse("repeats", repeats, MAX_REPEATS)

    def _measure(
        self, selections: SelectionSetNode | None, parent: GraphQLNamedType | None
    ) -> tuple[int, int]:
        """Depth and cost of a selection on ``parent``; what the schema does not know is another rule's error."""
        deepest = total = 0
        for node in selections.selections if selections else ():
            if isinstance(node, FieldNode):
                weight, kind = _field(parent, node.name.value)
                inner_depth, inner_cost = self._measure(node.selection_set, kind)
                depth, cost = inner_depth + 1, weight + inner_cost * _page_size(node)
            elif isinstance(node, InlineFragmentNode):
                depth, cost = self._measure(node.selection_set, self._on(node, parent))
            elif isinstance(node, FragmentSpreadNode):
                depth, cost = self._measure_fragment(node.name.value)
            deepest, total = max(deepest, depth), total + cost
        return deepest, total

    def _measure_fragment(self, name: str) -> tuple[int, int]:
        """Each fragment is measured once, however often it is spread: the measuring itself must not
        be what a hostile document exhausts. One that spreads itself is another rule's error.
        """
        self._endless |= name in self._within
        if name not in self._measured:
            self._measured[name] = (0, 0)
            fragment = self._fragments.get(name)
            if fragment is not None:
                self._within.add(name)
                self._measured[name] = self._measure(fragment.selection_set, self._on(fragment, None))
                self._within.remove(name)
        return self._measured[name]

    def _repeats(self, merged: list[SelectionSetNode]) -> int:
        """The most fields that ask for one answer in one place. Walks every path, so only what its cost bounds."""
        asked: dict[str, list[FieldNode]] = {}
        spread: set[str] = set()
        ahead = list(merged)
        while ahead:
            for node in ahead.pop().selections:
                if isinstance(node, FieldNode):
                    asked.setdefault((node.alias or node.name).value, []).append(node)
                elif isinstance(node, InlineFragmentNode):
                    ahead.append(node.selection_set)
                elif isinstance(node, FragmentSpreadNode) and node.name.value not in spread:
                    spread.add(node.name.value)
                    if node.name.value in self._fragments:
                        ahead.append(self._fragments[node.name.value].selection_set)
        most = max(map(len, asked.values()), default=0)
        if most > MAX_REPEATS:
            return most
        inner = ([each.selection_set for each in same if each.selection_set] for same in asked.values())
        return max([most, *(self._repeats(sets) for sets in inner if sets)])

    def _on(
        self, node: FragmentDefinitionNode | InlineFragmentNode, parent: GraphQLNamedType | None
    ) -> GraphQLNamedType | None:
        """The type a fragment is on; without a condition that around it."""
        condition = node.type_condition
        return parent if condition is None else self.context.schema.get_type(condition.name.value)

    def _refuse(self, what: str, asked: int, limit: int) -> None:
        self.report_error(
            GraphQLError(
                f"the document's {what} is {asked}, more than {limit}; ask in smaller parts",
                extensions={"code": "DOCUMENT_TOO_LARGE", "limit": what},
            )
        )


def _field(parent: GraphQLNamedType | None, name: str) -> tuple[int, GraphQLNamedType | None]:
    """What a field counts, and the type of what it gives."""
    if not isinstance(parent, GraphQLObjectType | GraphQLInterfaceType) or name not in parent.fields:
        return 1, None
    kind = get_named_type(parent.fields[name].type)
    return weight_of(parent, name), kind


def _page_size(node: FieldNode) -> int:
    for argument in node.arguments or ():
        if argument.name.value in {"first", "last"}:
            value = argument.value
            if not isinstance(value, IntValueNode):
                return _PAGE_IN_VARIABLE
            # A page larger than allowed is refused by name when it is resolved.
            return min(max(1, int(value.value)), MAX_PAGE) if len(value.value) < 6 else MAX_PAGE
    return 1


def _aliases(selections: SelectionSetNode | None) -> int:
    count = 0
    for node in selections.selections if selections else ():
        if isinstance(node, FieldNode):
            count += node.alias is not None
        if isinstance(node, FieldNode | InlineFragmentNode):
            count += _aliases(node.selection_set)
    return count
