"""``import contracts``, ``objectives`` and ``cross-checks``: what was promised, is measured, and confirms it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NoReturn

import click

from trust_portal.access.actors import CONSOLE
from trust_portal.commands.console import in_house, on_installation
from trust_portal.errors import InvalidInput
from trust_portal.house import House
from trust_portal.reliability.contracts.service import ImportContracts
from trust_portal.reliability.crosscheck.service import ImportSources
from trust_portal.reliability.findings import Unusable
from trust_portal.reliability.objectives.service import ImportObjectives

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("contracts")
@on_installation
@click.argument("file", type=_FILE)
def contracts(file: Path) -> None:
    """Record the contract versions in FILE (YAML, one document each).

    A version that is recorded already is left alone; in other words it is refused, and so is the
    whole file if one of its documents is.
    """
    command = ImportContracts(file.read_bytes())

    async def work(house: House) -> None:
        try:
            imported = await house.contracts.import_file(command, CONSOLE)
        except Unusable as error:
            _refused(file, error)
        for each in imported:
            word = "recorded" if each.new else "is recorded already"
            click.echo(f"{each.tenant_key} version {each.version.version} {word}")
            for key in each.objectives_defined:
                click.echo(f"  objective {key}: defined by this contract, as no file has done so")
            for note in each.notes:
                click.echo(f"  note: {note.where}: {note.message} [{note.code}]")

    in_house(work)


@click.command("objectives")
@on_installation
@click.argument("file", type=_FILE)
@click.option("--tenant", metavar="KEY", help="For one tenant only  [default: for all].")
def objectives(file: Path, tenant: str | None) -> None:
    """Record the objectives in FILE (OpenSLO v1 YAML: SLO, SLI, Service)."""
    try:
        command = ImportObjectives(file.read_text("utf-8"), tenant)
    except UnicodeDecodeError as error:
        raise InvalidInput("not UTF-8 text", field=str(file)) from error

    async def work(house: House) -> None:
        try:
            imported = await house.objectives.import_file(command, CONSOLE)
        except Unusable as error:
            _refused(file, error)
        for each in imported:
            word = f"recorded as revision {each.objective.revision}" if each.new else "is recorded already"
            click.echo(f"{each.objective.key} ({each.objective.definition.kind}) {word}")

    in_house(work)


@click.command("cross-checks")
@on_installation
@click.argument("file", type=_FILE)
@click.option("--reason", required=True, help="Why; signed with each setting.")
def cross_checks(file: Path, reason: str) -> None:
    """Record where counts are cross-checked, from FILE (a YAML list; docs/crosscheck.md).

    What is in force already is left alone. Nothing is recorded if one entry is refused.
    """
    command = ImportSources(file.read_bytes(), reason)

    async def work(house: House) -> None:
        try:
            imported = await house.cross_checks.import_file(command, CONSOLE)
        except Unusable as error:
            _refused(file, error)
        for each in imported:
            definition = each.revision.definition
            what = "not cross-checked any more" if definition is None else definition.url
            word = f"recorded as revision {each.revision.revision}" if each.new else "is recorded already"
            click.echo(f"{each.tenant_key} {each.revision.objective}: {what} {word}")

    in_house(work)


def _refused(file: Path, error: Unusable) -> NoReturn:
    for finding in error.findings:
        said = finding.message.removeprefix(f"{finding.where}: ")
        click.echo(f"{file}: {finding.where}: {said} [{finding.code}]", err=True)
    click.echo("Nothing was recorded.", err=True)
    sys.exit(2)
