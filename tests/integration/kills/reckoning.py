"""Afterwards: what the database holds against what clients were told, and the log against itself."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

import asyncpg
from installation import Installation
from load import SOURCE, TENANTS, Acknowledged, Vendor
from sqlalchemy.engine import make_url

from trust_portal.evidence.checkpoint import Checkpoint
from trust_portal.evidence.keyring import load_or_create_keyring
from trust_portal.evidence.merkle import CompactRange, consistency_proof, verify_consistency
from trust_portal.evidence.note import NoteKey, SignedNote
from trust_portal.kernel.clock import SystemClock

#: Acts beside the receipts that speak of them: (kind of receipt, receipts named by the acts' rows).
_ACTS = {
    "contract.recorded": "SELECT receipt_id FROM contracts",
    "sla_report.issued": "SELECT receipt_id FROM sla_reports WHERE state = 'ok'",
    "sla_report.refused": "SELECT receipt_id FROM sla_reports WHERE state <> 'ok'",
    "sla_run.completed": "SELECT receipt_id FROM sla_runs WHERE receipt_id IS NOT NULL",
    "export.manifest": "SELECT manifest_receipt_id FROM exports WHERE state IN ('rendered', 'ready')",
}


@asynccontextmanager
async def connection(
    installation: Installation, role: str
) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    """A connection as the login, stepped down to ``role``."""
    url = make_url(installation.settings.database_url)
    opened = await asyncpg.connect(
        host=url.query["host"], user=url.username, password=url.password, database=url.database
    )
    try:
        await opened.execute(f"SET ROLE {role}")
        yield opened
    finally:
        await opened.close()


async def everything_is_done(installation: Installation) -> str:
    """What still waits; empty when nothing does."""
    async with connection(installation, "trust_portal_ledger") as ledger:
        jobs = await ledger.fetch("SELECT job, attempts, last_error, due_at, failed_at FROM outbox")
        pending = await ledger.fetchval("SELECT count(*) FROM pending_receipts")
    async with connection(installation, "trust_portal_staff") as staff:
        exports = await staff.fetch("SELECT state, failure FROM exports WHERE state <> 'ready'")
    return "; ".join(str(dict(each)) for each in (*jobs, *exports)) + (
        f"{pending} receipts pending" if pending else ""
    )


async def events_are_stored_exactly_once(installation: Installation, told: Acknowledged) -> None:
    async with connection(installation, "trust_portal_staff") as staff:
        measured = await staff.fetch("SELECT source, event_id, good, total, event_key FROM measurements")
        facts = await staff.fetch("SELECT source, event_id, event_key FROM facts")
    assert {row["source"] for row in (*measured, *facts)} == {SOURCE}
    ids = [row["event_id"] for row in measured]
    assert len(ids) == len(set(ids)), "a measurement is stored twice"
    assert {row["event_id"]: (row["good"], row["total"]) for row in measured} == told.measurements
    assert sorted(row["event_id"] for row in facts) == sorted(told.facts)
    keys = sorted(row["event_key"] for row in (*measured, *facts))
    async with connection(installation, "trust_portal_intake") as intake:
        claimed = await intake.fetch("SELECT key FROM event_keys ORDER BY key")
    assert [row["key"] for row in claimed] == keys, "a key is claimed for a fact that is not there"
    # An answer can be lost, never made up.
    assert told.accepted <= len(keys)


async def acts_have_their_receipts(installation: Installation, told: Acknowledged) -> None:
    """No act without receipt, no receipt without act; and every act somebody was told of is there."""
    async with connection(installation, "trust_portal_staff") as staff:
        for kind, acts in _ACTS.items():
            receipts = await staff.fetch("SELECT id FROM receipts WHERE kind = $1 ORDER BY id", kind)
            named = await staff.fetch(f"SELECT * FROM ({acts}) AS acts (id) ORDER BY id")
            # A run that is taken up again keeps its newest receipt only.
            known, stated = [row["id"] for row in receipts], [row["id"] for row in named]
            assert set(stated) <= set(known) if kind == "sla_run.completed" else stated == known, kind
        ready = await staff.fetchval("SELECT count(*) FROM exports WHERE state = 'ready'")
        completed = await staff.fetchval("SELECT count(*) FROM receipts WHERE kind = 'export.completed'")
        assert ready == completed
        versions = await staff.fetch(
            "SELECT t.key, c.version FROM contracts c JOIN tenants t ON t.tenant_id = c.tenant_id"
        )
        assert sorted((row["key"], row["version"]) for row in versions) == sorted(told.contracts)
        signed = await staff.fetchval("SELECT count(*) FROM sla_reports WHERE state = 'ok'")
        assert ready == signed, "every signed report has its export"
        assert len(told.reports) <= await staff.fetchval("SELECT count(*) FROM sla_reports")


async def logs_hold_every_receipt_once(installation: Installation) -> None:
    """Indexes without gap, one entry per receipt, and every checkpoint a prefix of the next."""
    keys = load_or_create_keyring(installation.settings.key_file, SystemClock())
    async with connection(installation, "trust_portal_ledger") as ledger:
        receipts = await ledger.fetch("SELECT tenant_id, id, leaf_hash FROM receipts")
        entries = await ledger.fetch("SELECT * FROM log_entries ORDER BY tenant_id, index")
        checkpoints = await ledger.fetch("SELECT * FROM checkpoints ORDER BY tenant_id, tree_size")
        origins = dict(await ledger.fetch("SELECT tenant_id, origin FROM logs"))
    leaves: dict[UUID, list[bytes]] = defaultdict(list)
    for row in entries:
        assert row["index"] == len(leaves[row["tenant_id"]]), f"a gap or a fork in {row['tenant_id']}"
        leaves[row["tenant_id"]].append(row["leaf_hash"])
    logged = sorted((row["tenant_id"], row["receipt_id"], row["leaf_hash"]) for row in entries)
    assert logged == sorted((row["tenant_id"], row["id"], row["leaf_hash"]) for row in receipts)
    assert len({row["tenant_id"] for row in entries}) == 1 + len(TENANTS)
    for tenant_id, of_tenant in leaves.items():
        notes = [row for row in checkpoints if row["tenant_id"] == tenant_id]
        _checkpoints_follow_each_other(of_tenant, notes)
        key = NoteKey(origins[tenant_id], keys.checkpoints.verify_key)
        for row in notes:
            note = SignedNote.parse(row["note"])
            assert note.signed_by(key)
            stated = Checkpoint.parse(note.text)
            assert stated == Checkpoint(origins[tenant_id], row["tree_size"], row["root"])


def _checkpoints_follow_each_other(leaves: list[bytes], checkpoints: list[asyncpg.Record]) -> None:
    tree, nodes = CompactRange(), {(0, index): leaf for index, leaf in enumerate(leaves)}
    old_size, old_root = 0, b""
    for row in checkpoints:
        size, root = row["tree_size"], row["root"]
        tree, completed = tree.append(leaves[old_size:size])
        nodes |= completed
        assert tree.root == root, f"the root at {size} is not what its leaves hash to"
        if old_size:
            proof = consistency_proof(old_size, size, nodes)
            assert verify_consistency(old_size, size, proof, old_root, root)
        old_size, old_root = size, root
    assert old_size == len(leaves), "entries behind the last checkpoint"


async def audit_finds_nothing(installation: Installation) -> None:
    status, said = await installation.command("audit", "--no-record")
    assert status == 0, said


async def bundles_verify_offline(vendor: Vendor) -> int:
    """Every export downloads and verifies against the tenant's policy; how many there were."""
    async with connection(vendor.installation, "trust_portal_staff") as staff:
        rows = await staff.fetch(
            "SELECT e.id, t.key FROM exports e JOIN tenants t ON t.tenant_id = e.tenant_id ORDER BY e.id"
        )
    verified = 0
    with tempfile.TemporaryDirectory() as folder:
        async with vendor.client() as client:
            for tenant in TENANTS:
                policy = Path(folder) / f"{tenant}.policy"
                status, said = await vendor.installation.command(
                    "keys", "export-policy", "--tenant", tenant, "--output", str(policy)
                )
                assert status == 0, said
                ids = [row["id"] for row in rows if row["key"] == tenant]
                # The newest by the command people use; it speaks for the house as a whole.
                for number, export in enumerate(ids):
                    bundle = Path(folder) / f"{export}.zip"
                    answer = await client.get(f"/t/{tenant}/exports/{export}/bundle.zip")
                    assert answer.status_code == 200, answer.text
                    bundle.write_bytes(answer.content)
                    if number in {0, len(ids) - 1}:
                        status, said = await vendor.installation.command(
                            "verify", str(bundle), "--policy", str(policy), "--recompute"
                        )
                        assert status == 0, said
                    verified += 1
    return verified
