"""``trust-portal compliance``: judge controls now, take an evaluation along, take in an assessment from elsewhere."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from uuid import UUID

import click

from trust_portal.access.actors import CONSOLE
from trust_portal.commands.console import in_house, on_installation
from trust_portal.errors import InvalidInput, NotFound
from trust_portal.house import House
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.trust.compliance.imports.service import ImportAssessment, WithdrawAssessment
from trust_portal.trust.compliance.model import NOUN, AssessmentReaders, Evaluate
from trust_portal.trust.compliance.oscal.reading import LARGEST

_TENANT = click.option("--tenant", "key", required=True, help="The tenant's key; the vendor is `vendor`.")
_REASON = click.option("--reason", required=True, help="Stands in the receipt.")


@click.group()
def compliance() -> None:
    """Compliance: evaluate controls, export OSCAL, import assessments from elsewhere."""


@compliance.command()
@on_installation
@_TENANT
@_REASON
@click.option("--audit", "with_audit", is_flag=True, help="Compute the receipts again first.")
def evaluate(key: str, reason: str, *, with_audit: bool) -> None:
    """Judge every control of one tenant now, and print how each came out, with its gaps by name."""

    async def work(house: House) -> None:
        tenant_id = await _tenant(house, key)
        if with_audit:
            audit = await house.receipt_audits.run(tenant_id, CONSOLE)
            click.echo(f"{audit.receipts} receipts computed again: {audit.finding_count or 'no'} findings")
        evaluation = await house.compliance.evaluate(Evaluate(tenant_id, reason), CONSOLE)
        for each in evaluation.results:
            words = each.state.value.replace("_", " ")
            click.echo(f"{each.control} ({each.party.value}): {words}{f': {each.why}' if each.why else ''}")
            for gap in each.gaps:
                click.echo(f"    {gap.name}: {gap.why}")
        click.echo(f"evaluation {evaluation.id}, SHA-256 {evaluation.sha256}")

    in_house(work)


@compliance.command()
@on_installation
@_TENANT
@click.option("--into", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder.")
def export(key: str, into: Path) -> None:
    """Write the latest evaluation as JSON, CSV and OSCAL into a folder; no plan of action without a gap."""
    files: dict[str, bytes] = {}

    async def work(house: House) -> None:
        tenant_id = await _tenant(house, key)
        newest = await house.compliance.newest(CONSOLE, tenant_id)
        if newest is None:
            raise NotFound("evaluation")
        files.update(await house.compliance.download(CONSOLE, tenant_id, newest.id))

    in_house(work)
    into.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (into / name).write_bytes(content)
        click.echo(str(into / name))


@compliance.command("import")
@on_installation
@click.argument("document", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option("--source", required=True, help="Who assessed.")
@click.option("--max-age-days", type=click.IntRange(1, 400), required=True, help="So long it is fresh.")
@click.option(
    "--readers",
    type=click.Choice([each.value for each in AssessmentReaders]),
    required=True,
    help="Who may fetch the file: every customer's people and auditors, or the vendor's people alone.",
)
@_REASON
def import_(document: Path, source: str, max_age_days: int, readers: str, reason: str) -> None:
    """Take in OSCAL assessment-results (JSON, at most 4 MiB); all of it is right, or nothing is kept.

    Who assessed, its title, how it came out, its age and digest stand in every customer's evaluation, whoever may
    fetch the file. What concerns one customer alone is for --readers vendor.
    """
    if document.stat().st_size > LARGEST:
        raise InvalidInput("the document is larger than 4 MiB", field="document")
    command = ImportAssessment(
        source, document.read_bytes(), timedelta(days=max_age_days), reason, AssessmentReaders(readers)
    )

    async def work(house: House) -> None:
        taken = await house.assessment_imports.take(command, CONSOLE)
        click.echo(f"{taken.title}: {taken.satisfied} satisfied, {taken.not_satisfied} not satisfied")
        click.echo(f"The file is read by: {taken.readers.words}")

    in_house(work)


@compliance.command()
@on_installation
@click.argument("source")
@_REASON
def withdraw(source: str, reason: str) -> None:
    """Have no assessment by SOURCE count any more, until it hands over another; what was kept stays."""

    async def work(house: House) -> None:
        newest = {each.source: each for each in await house.assessment_imports.newest(CONSOLE)}
        if source not in newest:
            raise NotFound(f"assessment by {source!r}")
        command = WithdrawAssessment(newest[source].id, reason)
        withdrawn = await house.assessment_imports.withdraw(command, CONSOLE)
        click.echo(f"{withdrawn.title}: withdrawn")

    in_house(work)


async def _tenant(house: House, key: str) -> UUID:
    if key == "vendor":
        return VENDOR_ID
    return (await house.tenants.by_key(CONSOLE, key, purpose=NOUN)).id
