"""Contracts and objectives come in once, whole files or nothing, and are never edited."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select
from support.reliability_vendor import CONTRACT, Vendor

from trust_portal.access.actors import CONSOLE
from trust_portal.errors import Conflict, Denied, InvalidInput, NotFound
from trust_portal.house import House
from trust_portal.kernel.actor import SYSTEM
from trust_portal.reliability.contracts.service import ImportContracts
from trust_portal.reliability.contracts.tables import contracts
from trust_portal.reliability.findings import Unusable
from trust_portal.reliability.objectives.model import ObjectiveKind, ObjectiveSource
from trust_portal.reliability.objectives.openslo import parse_openslo
from trust_portal.reliability.objectives.service import ImportObjectives
from trust_portal.storage.tenancy import StaffScope

SLO = """\
apiVersion: openslo/v1
kind: Service
metadata: {name: checkout, displayName: Checkout}
spec: {}
---
apiVersion: openslo/v1
kind: SLO
metadata: {name: api, displayName: API availability}
spec:
  service: checkout
  indicator: {metadata: {name: x}, spec: {ratioMetric: {counter: true}}}
  timeWindow: [{duration: 1M, isRolling: false}]
  budgetingMethod: Timeslices
  objectives: [{target: 0.9995}]
---
apiVersion: openslo/v1
kind: SLO
metadata: {name: search}
spec:
  indicator: {metadata: {name: y}, spec: {thresholdMetric: {}}}
  budgetingMethod: Occurrences
  objectives: [{op: lte, value: 0.5, targetPercent: 99}]
"""


def text(tenant: str, version: str = "1", **changes: str) -> str:
    found = CONTRACT.format(tenant=tenant, version=version, zone="UTC")
    for old, new in changes.items():
        found = found.replace(old, new)
    return found


async def stored(house: House) -> int:
    async with house.storage.read(StaffScope()) as session:
        return (await session.execute(select(func.count()).select_from(contracts))).scalar_one()


async def imported(house: House, source: str):
    return await house.contracts.import_file(ImportContracts(source.encode()), CONSOLE)


async def test_a_file_of_several_contracts_is_recorded_once(house: House, vendor: Vendor):
    for key in ("acme", "globex"):
        await vendor.tenant(key)
    source = f"# terms\n---\n{text('acme')}---\n{text('globex')}---\n{text('globex', '2')}"
    first = await imported(house, source)
    assert [(each.tenant_key, each.version.version, each.new) for each in first] == [
        ("acme", "1", True),
        ("globex", "1", True),
        ("globex", "2", True),
    ]
    assert [each.objectives_defined for each in first] == [("api",), ("api",), ()]
    again = await imported(house, source)
    assert [each.new for each in again] == [False, False, False]
    assert [each.version for each in again] == [each.version for each in first]
    assert await stored(house) == 3


async def test_the_same_version_in_other_words_is_a_conflict(house: House, vendor: Vendor):
    await vendor.tenant("acme")
    await imported(house, text("acme"))
    with pytest.raises(Conflict) as refusal:
        await imported(house, text("acme", **{"1000.00": "2000.00"}))
    assert refusal.value.code == "CONTRACT_VERSION_EXISTS"
    assert await stored(house) == 1


async def test_one_bad_document_refuses_the_whole_file(house: House, vendor: Vendor):
    await vendor.tenant("acme")
    gap = text("acme", "2").replace('      - {to: "99.0", credit_percent: "25"}\n', "")
    for bad, error in (
        (gap, Unusable),
        (text("nobody"), NotFound),
        ("tenant: [", Unusable),
        (text("acme"), Conflict),
    ):
        with pytest.raises(error):
            await imported(house, f"{text('acme')}---\n{bad}")
        assert await stored(house) == 0
    with pytest.raises(Denied):
        await house.contracts.import_file(ImportContracts(text("acme").encode()), SYSTEM)
    assert await stored(house) == 0


async def test_openslo_defines_objectives_for_all_and_a_tenant_may_have_its_own(house: House, vendor: Vendor):
    acme = await vendor.tenant("acme")
    first = await house.objectives.import_file(ImportObjectives(SLO), CONSOLE)
    assert [(each.objective.key, each.new, each.objective.revision) for each in first] == [
        ("api", True, 1),
        ("search", True, 1),
    ]
    api, search = (each.objective.definition for each in first)
    assert (api.kind, api.title, api.service, api.target) == (
        ObjectiveKind.AVAILABILITY,
        "API availability",
        "Checkout",
        "99.95",
    )
    assert (search.kind, search.threshold, search.target) == (ObjectiveKind.LATENCY, "0.5", "99")
    again = await house.objectives.import_file(ImportObjectives(SLO), CONSOLE)
    assert [each.new for each in again] == [False, False]

    own = SLO.replace("0.9995", "0.999")
    await house.objectives.import_file(ImportObjectives(own, "acme"), CONSOLE)
    known = await house.objectives.known(acme.id)
    assert known["api"].definition.target == "99.9"
    assert (await vendor.contract("acme")).objectives_defined == ()
    assert known["api"].source is ObjectiveSource.OPENSLO

    latency = text("acme", "2").replace("    denominator", '    latency_threshold: "0.5"\n    denominator')
    with pytest.raises(Unusable) as refusal:
        await imported(house, latency)
    assert refusal.value.code == "OBJECTIVE_MISMATCH"


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        ("openslo/v1", "openslo/v2alpha", "[0]"),
        ("kind: Service", "kind: AlertPolicy", "[0].kind"),
        ("isRolling: false", "isRolling: true", "spec.timeWindow"),
        ("op: lte", "op: gte", "spec.objectives[0].op"),
        ("{target: 0.9995}", "{target: 0.9995}, {target: 0.9}", "spec.objectives"),
        ("target: 0.9995", "target: 1.5", "spec.objectives[0].target"),
        ("  service: checkout", "  alertPolicies: [x]", "spec.alertPolicies"),
        ("name: search", "name: api", "metadata.name"),
        ("budgetingMethod: Timeslices", "budgetingMethod: Magic", "spec.budgetingMethod"),
        ("ratioMetric: {counter: true}", "", "spec.indicator.spec"),
    ],
)
async def test_what_openslo_says_and_we_cannot_honour_is_refused_by_name(
    house: House, old: str, new: str, where: str
):
    assert old in SLO
    with pytest.raises(InvalidInput) as refusal:
        await house.objectives.import_file(ImportObjectives(SLO.replace(old, new, 1)), CONSOLE)
    assert str(refusal.value.field).endswith(where)


def test_everything_that_is_wrong_with_a_file_of_objectives_is_said_at_once():
    wrong = (
        SLO.replace("Timeslices", "Monthly")
        .replace("target: 0.9995", "target: 1.5")
        .replace("op: lte, value: 0.5, targetPercent: 99", "op: gte, value: 0.5, targetPercent: many")
    )
    with pytest.raises(Unusable) as refused:
        parse_openslo(wrong)
    assert [each.where for each in refused.value.findings] == [
        "[1] SLO api.spec.budgetingMethod",
        "[1] SLO api.spec.objectives[0].target",
        "[2] SLO search.spec.objectives[0].op",
        "[2] SLO search.spec.objectives[0].targetPercent",
    ]
    with pytest.raises(Unusable) as unnamed:
        parse_openslo(SLO.replace("openslo/v1", "openslo/v2", 1).replace("{name: search}", "{}"))
    assert [each.where for each in unnamed.value.findings] == ["[0]", "[2].metadata.name"]
