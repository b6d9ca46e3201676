"""What is known of a customer in a monthly run is said with months and instants as people write them."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from trust_portal.web.templating import portal_templates

PAGE = """{% import "components/marks.html" as marks %}{% import "components/blocks.html" as blocks %}
{% include "run_progress.html" %}"""


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        (
            "no version of a contract is in force in 2026-10",
            "no version of a contract is in force in October 2026",
        ),
        (
            "api: 37 minutes without a sample: 2026-10-19T11:41:00Z to 2026-10-19T12:18:00Z",
            "api: 37 minutes without a sample: 19 October 2026, 11:41 UTC to 19 October 2026, 12:18 UTC",
        ),
        (None, "waiting for a worker"),
    ],
)
def test_a_reason_has_months_and_instants_as_everywhere(reason: str | None, said: str) -> None:
    line = SimpleNamespace(
        tenant_key="aurora", tenant_name="Aurora", report_id=None, revision=None, reason=reason,
        outcome=SimpleNamespace(value="pending"),
    )  # fmt: skip
    run = SimpleNamespace(period="2026-10", state=SimpleNamespace(value="running"))
    progress = SimpleNamespace(run=run, tenants=[line], tallies={}, total=1, done=0, counts={}, settled=0)
    page = (
        portal_templates()
        .from_string(PAGE)
        .render(run=run, progress=progress, outcomes={"pending": ("busy", "Pending")}, tally={}, counts={})
    )
    assert f"{said}</td>" in page.replace("\u00a0", " ")
