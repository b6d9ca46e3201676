"""What approvers sign, as people read it: every exact line stays, and has its words where it needs some."""

from __future__ import annotations

import pytest

from trust_portal.access.approvals.model import ApprovalKind, Intent, IntentLine
from trust_portal.kernel.actor import Role
from trust_portal.web.templating import words
from trust_portal.web.views.approvals.reading import reading_of

CREDIT = Intent(
    kind=ApprovalKind.CREDIT,
    tenant_key="hoshino",
    tenant_name="Hoshino Print",
    title="Credit of JPY 31,000 for October 2026",
    act=tuple(
        IntentLine(*each)
        for each in (
            ("What", "Credit"),
            ("Customer", "Hoshino Print (hoshino)"),
            ("Period", "2026-10: 2026-09-30T15:00:00Z to 2026-10-31T15:00:00Z"),
            ("Amount", "31000"),
            ("Currency", "JPY"),
            ("Of the fee", "5 % of 620000 JPY"),
            (
                "Promise: search",
                (
                    "attained 99.596774 %, promised at least 99.8 %, earns 5 %. target: 99.596774 % is below the "
                    "target of 99.8 %; tier: 99.596774 % lies in [99, 99.8): 5 %"
                ),
            ),
            (
                "Promise: api",
                (
                    "attained 100.000000 %, promised at least 99.5 %, earns 0 %. target: 100.000000 % is at least the "
                    "target of 99.5 %"
                ),
            ),
            ("Caps", "none was reached"),
            ("Rule combine", "max of the SLAs: search, 5 %"),
        )
    ),
    effect="JPY 31,000 may be issued to Hoshino Print.",
    risk="Money that was paid out comes back only by another such decision.",
)


def test_a_credit_reads_in_amounts_instants_and_tiers_and_what_reads_well_stays():
    reading = reading_of(CREDIT)

    def plain(text):
        return None if text is None else text.replace("\u00a0", " ")

    assert [(plain(each.read_label) or each.label, plain(each.read)) for each in reading.told] == [
        ("Period", "October 2026: 30 September 2026, 15:00 UTC to 31 October 2026, 15:00 UTC"),
        ("Amount", "JPY 31,000"),
        ("Of the fee", "5 % of JPY 620,000"),
        (
            "Promise: search",
            (
                "attained 99.596774 %, promised at least 99.8 %, earns 5 %. "
                "Values from 99 % up to 99.8 %, not inclusive, earn 5 %"
            ),
        ),
        ("Promise: api", "attained 100.000000 %, promised at least 99.5 %, earns 0 %."),
        ("Caps", None),
        ("Where several promises are missed", "the largest credit is paid: search, 5 %"),
    ]
    assert (reading.effect, reading.risk) == (None, None)


def test_no_line_of_what_is_signed_is_left_out_or_changed():
    reading = reading_of(CREDIT)
    both = sorted((*reading.told, *reading.beside), key=lambda each: each.place)
    assert [(each.label, each.value) for each in both] == [(each.label, each.value) for each in CREDIT.act]
    assert [each.label for each in reading.beside] == ["What", "Customer", "Currency"]


@pytest.mark.parametrize(
    ("role", "holder"),
    [
        (Role.APPROVER_FINANCE, "an approver for finance"),
        (Role.AUDITOR, "an auditor"),
        (Role.CSM, "a CSM"),
        (Role.FINOPS_OPERATOR, "a FinOps operator"),
        (Role.SRE_OPERATOR, "an SRE operator"),
    ],
)
def test_whoever_holds_a_role_is_named_as_sentences_name_them(role, holder):
    assert role.holder == holder
    assert words(role).lower() == holder.partition(" ")[2].lower()
