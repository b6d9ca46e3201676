"""What somebody knows who got hold of the database's login: every table, every role, every tenant's id."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import TypeAlias

import asyncpg

import trust_portal
from trust_portal.storage.metadata import TENANT_OWNED, metadata
from trust_portal.storage.migration import APP, INTAKE, LEDGER, STAFF

# Every module that declares tables, also one that no service uses yet.
_PACKAGE = Path(trust_portal.__file__).parent
for _module in sorted(_PACKAGE.rglob("*.py")):
    if re.search(r"^\w+ = (tenant|house)_table\(", _module.read_text(), re.MULTILINE):
        importlib.import_module(".".join(_module.relative_to(_PACKAGE.parent).with_suffix("").parts))

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

ROLES = (APP, STAFF, INTAKE, LEDGER)
#: Registries looked up before a tenant is known: their keys are the world's, their rows a tenant's.
#: And what every tenant's approvals rest on: the vendor's rows, copied to wherever they are referred to.
REFERENCES = ("approval_rules", "vendor_roles")
REGISTRIES = ("oidc_identities", "person_directory", "tenant_keys", *REFERENCES)
OWNED = tuple(sorted({name for name, table in metadata.tables.items() if table.info[TENANT_OWNED]}))
GUARDED = tuple(sorted({*OWNED, *REGISTRIES}))
