"""Sealed bytes open in their own place only, and keys in files are what their names say."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Never
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trust_portal.errors import Broken, Conflict, InvalidInput, Unavailable
from trust_portal.evidence.sealing import key_services
from trust_portal.evidence.sealing.key_files import KeyFiles
from trust_portal.evidence.sealing.key_services import open_key_service
from trust_portal.evidence.sealing.key_use import require_use, statement
from trust_portal.evidence.sealing.patience import Patient
from trust_portal.evidence.sealing.seal import new_data_key, seal, unseal
from trust_portal.evidence.signing import VerifyKey

TENANT, EXPORT, OTHER = UUID(int=1), UUID(int=2), UUID(int=3)
NONCE = b"n" * 32


@given(st.dictionaries(st.text(max_size=20), st.binary(max_size=200), max_size=4))
def test_what_is_sealed_opens_as_it_was_and_shows_nothing_of_it(contents: dict[str, bytes]) -> None:
    key = new_data_key()
    sealed = seal(key, TENANT, EXPORT, contents)
    assert unseal(key, TENANT, EXPORT, sealed) == contents
    for name, content in contents.items():
        assert len(sealed[name]) == len(content) + 24 + 16
        assert len(content) < 8 or content not in sealed[name]


def test_sealed_bytes_open_under_no_other_key_tenant_export_or_name() -> None:
    key = new_data_key()
    sealed = seal(key, TENANT, EXPORT, {"report.pdf": b"yours alone"})
    moved = {"report.json": sealed["report.pdf"]}
    changed = {"report.pdf": sealed["report.pdf"][:-1] + bytes([sealed["report.pdf"][-1] ^ 1])}
    for data_key, tenant, export, given_ in (
        (new_data_key(), TENANT, EXPORT, sealed),
        (key, OTHER, EXPORT, sealed),
        (key, TENANT, OTHER, sealed),
        (key, TENANT, EXPORT, moved),
        (key, TENANT, EXPORT, changed),
        (key, TENANT, EXPORT, {"report.pdf": b""}),
    ):
        with pytest.raises(Broken) as broken:
            unseal(data_key, tenant, export, given_)
        assert broken.value.code == "SEAL_BROKEN"


async def test_a_key_in_a_file_wraps_for_one_place_and_proves_its_use(tmp_path: Path) -> None:
    service = open_key_service((tmp_path / "keys of customers").as_uri())
    key_id, public_key = await service.create(TENANT)
    (file,) = (tmp_path / "keys of customers").iterdir()
    assert (file.name, file.stat().st_mode & 0o777) == (f"{key_id}.json", 0o600)
    assert VerifyKey(public_key).key_id == key_id
    data_key = new_data_key()
    wrapped = await service.wrap(key_id, data_key, b"here")
    assert await service.unwrap(key_id, wrapped, b"here") == data_key
    with pytest.raises(Conflict) as elsewhere:
        await service.unwrap(key_id, wrapped, b"there")
    assert elsewhere.value.code == "KEY_WRONG"
    signature = await require_use(service, TENANT, key_id, public_key, NONCE)
    assert VerifyKey(public_key).verify(statement(TENANT, key_id, NONCE), signature)
    other_id, _ = await service.create(TENANT)
    with pytest.raises(Conflict):
        await require_use(service, TENANT, other_id, public_key, NONCE)
    with pytest.raises(Conflict):
        await service.unwrap(other_id, wrapped, b"here")


async def test_a_key_that_is_gone_damaged_or_open_to_others_is_not_used(tmp_path: Path) -> None:
    service = KeyFiles(tmp_path)
    key_id, _ = await service.create(TENANT)
    file = tmp_path / f"{key_id}.json"
    file.chmod(0o644)
    with pytest.raises(Unavailable, match="mode 0644"):
        await service.prove(key_id, b"said")
    file.chmod(0o600)
    file.write_bytes(b"{}")
    for id_, code in ((key_id, "KEY_WRONG"), ("../secrets", "KEY_WRONG"), ("0" * 64, "KEY_MISSING")):
        with pytest.raises(Conflict) as refused:
            await service.prove(id_, b"said")
        assert refused.value.code == code


def test_a_key_service_that_nobody_installed_is_named() -> None:
    with pytest.raises(InvalidInput, match="no key service is installed for vault:") as refused:
        open_key_service("vault://keys.example/customers")
    assert refused.value.field == "KEY_SERVICE"


class Silent:
    """A key service that takes what it is asked, and never answers."""

    async def _wait(self, *asked: object) -> Never:
        del asked
        await asyncio.Event().wait()
        raise AssertionError("nobody rings")

    create = wrap = unwrap = prove = _wait


async def test_a_key_service_that_does_not_answer_is_waited_for_so_long_and_no_longer() -> None:
    service = Patient(Silent(), timedelta(milliseconds=20))
    for asked in (
        service.create(TENANT),
        service.wrap("0" * 64, b"key", b"here"),
        service.unwrap("0" * 64, b"sealed", b"here"),
        service.prove("0" * 64, b"said"),
    ):
        with pytest.raises(Unavailable, match=r"did not answer within 0\.02 s") as refused:
            await asked
        assert refused.value.code == "KEY_SERVICE_SILENT"


async def test_what_a_key_service_answers_in_time_is_its_answer(tmp_path: Path) -> None:
    service = Patient(KeyFiles(tmp_path))
    key_id, public_key = await service.create(TENANT)
    assert await service.unwrap(key_id, await service.wrap(key_id, b"k" * 32, b"here"), b"here") == b"k" * 32
    assert VerifyKey(public_key).verify(b"said", await service.prove(key_id, b"said"))


def test_a_key_service_from_elsewhere_is_asked_with_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    found = EntryPoint("vault", "nobody:open", key_services.GROUP)
    monkeypatch.setattr(key_services, "entry_points", lambda **_: (found,))
    monkeypatch.setattr(EntryPoint, "load", lambda _: lambda _url: Silent())
    assert isinstance(open_key_service("vault://keys.example/customers"), Patient)
