"""``trust-portal``: one command line. Each family of commands is a module of ``commands/``, loaded when asked for."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from typing import Any, Final, cast

import click

from trust_portal import __version__
from trust_portal.errors import TrustPortalError, Unavailable
from trust_portal.runtime.loading import loading

#: Command → where it lives. Loaded on use, so ``verify`` starts without the server's imports.
COMMANDS: dict[str, str] = {
    "audit": "trust_portal.commands.audit:audit",
    "compliance": "trust_portal.commands.compliance:compliance",
    "cost": "trust_portal.commands.cost:cost",
    "demo": "trust_portal.commands.demo:demo",
    "doctor": "trust_portal.commands.doctor:doctor",
    "gameday": "trust_portal.commands.gameday:gameday",
    "import": "trust_portal.commands.import_:import_group",
    "incidents": "trust_portal.commands.incidents:incidents",
    "keys": "trust_portal.commands.keys:keys",
    "migrate": "trust_portal.commands.servers:migrate",
    "people": "trust_portal.commands.people:people",
    "policies": "trust_portal.commands.policies:policies",
    "posture": "trust_portal.commands.posture:posture",
    "serve": "trust_portal.commands.servers:serve",
    "sla": "trust_portal.commands.sla:sla",
    "tenants": "trust_portal.commands.tenants:tenants",
    "tokens": "trust_portal.commands.tokens:tokens",
    "trust": "trust_portal.commands.trust:trust",
    "up": "trust_portal.commands.servers:up",
    "verify": "trust_portal.commands.verify:verify",
    "worker": "trust_portal.commands.servers:worker",
}

#: Always here: a module of it that is missing is a fault, and not an environment of the verifier alone.
OURS: Final = frozenset({"trust_portal"})

#: Groups that gather commands of several rooms; a path into a group reads "group name".
EXTENSIONS: dict[str, dict[str, str]] = {
    "cost": {
        "detector": "trust_portal.commands.cost_detector:detector",
        "explain": "trust_portal.commands.cost_explain:explain",
        "rebuild": "trust_portal.commands.cost_rebuild:rebuild",
        "resume": "trust_portal.commands.cost_switch:resume",
        "stop": "trust_portal.commands.cost_switch:stop",
    },
    "import": {
        "contracts": "trust_portal.commands.import_contracts:contracts",
        "cross-checks": "trust_portal.commands.import_contracts:cross_checks",
        "focus": "trust_portal.commands.import_focus:focus",
        "objectives": "trust_portal.commands.import_contracts:objectives",
    },
    "sla": {"run": "trust_portal.commands.runs:run"},
}


class LazyGroup(click.Group):
    """Knows where its commands live and imports only the one that is asked for.

    ``sla preview`` and ``verify`` are run on files, by people without a server: they must not wait
    for, nor fail with, what only the server imports.
    """

    def __init__(self, *args: Any, places: Mapping[str, str] | None = None, **options: Any) -> None:
        super().__init__(*args, **options)
        self.places = places or {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *self.places})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.places:
            return super().get_command(ctx, cmd_name)
        try:
            command = _load(self.places[cmd_name])
        except ModuleNotFoundError as error:
            if error.name is None or error.name.partition(".")[0] in OURS:
                raise
            return _not_installed(cmd_name, error.name)
        if isinstance(command, click.Group) and cmd_name in EXTENSIONS:
            return LazyGroup(
                command.name,
                commands=command.commands,
                help=command.help,
                params=command.params,
                places=EXTENSIONS[cmd_name],
            )
        return command


def _missing(package: str) -> Unavailable:
    return Unavailable(
        f"the Python package {package} is not installed here, which may be the verifier alone; "
        "this command needs the whole installation, requirements/app.txt",
        code="NOT_INSTALLED",
    )


def _not_installed(name: str, package: str) -> click.Command:
    """Stands for a command whose packages are not here: listed among the others, and refused with what to do."""

    def refuse(**_: object) -> None:
        raise _missing(package)

    return click.Command(
        name,
        callback=refuse,
        short_help="(needs the whole installation)",
        context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
        add_help_option=False,
    )


def _load(place: str) -> click.Command:
    module, attribute = place.split(":")
    with loading():
        return cast("click.Command", getattr(importlib.import_module(module), attribute))


@click.version_option(__version__, prog_name="trust-portal")
@click.group(cls=LazyGroup, places=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Reliability, cost control and honesty that customers can check."""


def main() -> None:
    """Entry point. Our own errors become one line that says what to do next, and exit status 2.

    So does a package that is missing: 1 is the answer of ``verify`` that something does not hold, and nothing else.
    """
    try:
        cli(standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(130)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except TrustPortalError as error:
        _tell(error)
        sys.exit(2)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] in OURS:
            raise
        _tell(_missing(error.name))
        sys.exit(2)


def _tell(error: TrustPortalError) -> None:
    where = f"{error.field}: " if error.field else ""
    click.echo(f"trust-portal: {where}{error.message} [{error.code}]", err=True)


if __name__ == "__main__":
    main()
