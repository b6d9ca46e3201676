"""The schema's names and shapes: one name for one thing, and what a figure is of is said."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    build_schema,
    get_named_type,
)

from schema.node import LOOK_UPS
from schema.root import SDL

BUILT = build_schema(SDL.read_text())


def test_whatever_implements_node_is_found_by_its_id_and_nothing_else_is():
    node = BUILT.type_map["Node"]
    assert isinstance(node, GraphQLInterfaceType)
    assert {kind.name for kind in BUILT.get_possible_types(node)} == set(LOOK_UPS)


#: What an id is called by: each noun is of one kind of thing, and that kind has no other.
NOUNS = {
    "action": "PreventionAction",
    "anomaly": "CostAnomaly",
    "approvalRequest": "ApprovalRequest",
    "assessment": "Assessment",
    "backTest": "CostBackTest",
    "breakGlass": "BreakGlass",
    "commitment": "Commitment",
    "copy": "PostmortemCopy",
    "credit": "Credit",
    "delivery": "Delivery",
    "evaluation": "ComplianceEvaluation",
    "exclusion": "Exclusion",
    "export": "Export",
    "heldRole": "HeldRole",
    "incident": "Incident, VendorIncident",
    "invitation": "AuditInvitation",
    "notification": "Notification",
    "person": "Person",
    "postmortem": "Postmortem",
    "qbr": "Qbr",
    "receipt": "Receipt",
    "release": "PostmortemRelease",
    "run": "PlaybookRun",
    "slaReport": "SlaReport",
    "suppression": "CostSuppression",
    "tenant": "Tenant",
    "token": "ApiToken",
    "trustReport": "TrustReport",
    "webhook": "Webhook",
}
#: Ids by what the thing is here: of people, and of what took another's place or goes on in it.
PLACES = frozenset(
    {
        "coveredById", "csmId", "documentId", "managerId", "mergedIntoId", "newerId", "ownerId", "replacedById",
        "replacesId", "successorId", "supersededById", "supersedesId",
    }
)  # fmt: skip
#: Strings that others made: CloudEvents, WebAuthn, a key service, the header of a message, GraphQL's clients.
OTHERS = frozenset({"clientMutationId", "credentialId", "eventId", "keyId", "messageId"})


def places() -> Iterator[tuple[str, str, GraphQLField | GraphQLInputField | GraphQLArgument]]:
    """Every field and every argument: where it is, what it is called, and itself."""
    for kind in BUILT.type_map.values():
        if kind.name.startswith("__"):
            continue
        if isinstance(kind, GraphQLObjectType | GraphQLInputObjectType):
            for name, field in kind.fields.items():
                yield f"{kind.name}.{name}", name, field
                for argument, given in (field.args if isinstance(field, GraphQLField) else {}).items():
                    yield f"{kind.name}.{name}({argument})", argument, given


def test_an_id_is_called_after_the_one_thing_it_is_of():
    strange = []
    for where, name, found in places():
        if get_named_type(found.type).name != "ID" or name in {"id", *PLACES}:
            continue
        noun = re.fullmatch(r"(\w+?)Ids?", name)
        words = re.findall(r"[A-Z]?[a-z]+", noun[1]) if noun else []
        tails = {(rest := "".join(words[at:]))[:1].lower() + rest[1:] for at in range(len(words))}
        if not tails & NOUNS.keys():
            strange.append(where)
    assert strange == []


def test_nothing_but_an_id_is_called_id():
    assert [
        where
        for where, name, found in places()
        if re.fullmatch(r"id|\w+Ids?", name)
        and get_named_type(found.type).name != "ID"
        and name not in OTHERS
    ] == []


def test_an_input_says_of_what_its_id_is():
    inputs = (kind for kind in BUILT.type_map.values() if isinstance(kind, GraphQLInputObjectType))
    assert [kind.name for kind in inputs if "id" in kind.fields] == []


def test_a_digest_is_called_sha256():
    assert [where for where, name, _ in places() if name.casefold().endswith(("digest", "hash"))] == []


def test_a_refusal_names_an_argument_that_there_is():
    arguments = {
        name
        for kind in BUILT.type_map.values()
        if isinstance(kind, GraphQLInputObjectType)
        for name in kind.fields
    }
    named = {
        field
        for path in (Path(__file__).parents[2] / "schema" / "mutations").glob("*.py")
        for field in re.findall(r'\bfield="(\w+)"', path.read_text())
    }
    assert named - arguments == set()


def test_no_type_is_another_under_a_second_name():
    """Payloads may be alike: what each act answers may grow."""
    alike: dict[tuple[str, ...], list[str]] = {}
    for kind in BUILT.type_map.values():
        answers = kind.name.startswith("__") or kind.name.endswith("Payload")
        if isinstance(kind, GraphQLObjectType) and not answers:
            shape = tuple(sorted(f"{name}: {field.type}" for name, field in kind.fields.items()))
            alike.setdefault(shape, []).append(kind.name)
    assert [names for names in alike.values() if len(names) > 1] == []


#: A name that is a unit or an ordinal by itself.
_UNITS = re.compile(
    r"seconds|minutes|hours|days|weeks|points|weight|count|ordinal|revision|version|number|attempt|slot|moves|first",
    re.IGNORECASE,
)
#: How a figure's unit is said: of money, of a share, of a factor, of what is counted.
_SAID = re.compile(
    r"major units|\b0 to \d|times as|as a factor|in the unit beside|on budget|share of", re.IGNORECASE
)
_COUNTED = re.compile(r"how (many|often)|counted", re.IGNORECASE)


def test_every_figure_says_its_unit():
    """By its name, in its description, or in that of its type where all figures of one are alike."""
    silent = []
    for where, name, found in places():
        kind = get_named_type(found.type).name
        said = f"{found.description or ''} {BUILT.type_map[where.split('.')[0]].description or ''}"
        exact = kind in {"Decimal", "Float"}
        if exact and not (_UNITS.search(name) or _SAID.search(said)):
            silent.append(where)
        if kind == "Int" and not (found.description or _UNITS.search(name) or _COUNTED.search(said)):
            silent.append(where)
    assert silent == []


def test_each_value_of_an_enum_of_learning_says_what_it_means():
    """Of these rooms; values are not all read from their names."""
    kinds = [
        "AlarmKind", "AnyOwnerBecause", "Cover", "IncidentGapReason", "IncidentSeverity", "MajorBecause", "Owed",
        "PostmortemState", "PostmortemStepKind", "PreventionActionAct", "PreventionActionState",
        "PreventionActionType", "RefusedDelivery", "SwitchboardGrouping",
    ]  # fmt: skip
    unsaid = []
    for name in kinds:
        kind = BUILT.type_map[name]
        assert isinstance(kind, GraphQLEnumType), name
        unsaid += [f"{name}.{value}" for value, each in kind.values.items() if not each.description]
    assert unsaid == []
