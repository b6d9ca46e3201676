"""One zip for a set of files, and no hostile one is opened."""

import io
import struct
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trust_portal.evidence import bundle
from trust_portal.evidence.bundle import build, check_path, read
from trust_portal.evidence.strict import Malformed
from trust_portal.kernel.canonical import sha256_hex

FILES = {"b/ü.txt": b"two", "a.txt": b"one", "empty": b""}


def packed(*entries: tuple[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for entry, content in entries:
            archive.writestr(entry, content)
    return out.getvalue()


def linked(name: str, mode: int) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)
    entry.create_system = 3
    entry.external_attr = mode << 16
    return entry


def test_the_same_files_give_the_same_bytes_whatever_their_order() -> None:
    assert build(FILES) == build(dict(reversed(FILES.items())))
    assert sha256_hex(build(FILES)) == "62cc199aa5e09d1a01b2db319714fe23c89d13212a9e0b2630c7df6c39aa5e46"


def test_what_is_built_is_read_back() -> None:
    opened = read(build(FILES))
    assert dict(opened.files) == FILES
    assert opened.canonical


@given(
    st.dictionaries(
        st.from_regex(r"[a-z]{1,6}(/[a-z]{1,6}){0,2}", fullmatch=True), st.binary(max_size=200), min_size=1
    )
)
def test_any_files_survive(files: dict[str, bytes]) -> None:
    opened = read(build(files))
    assert dict(opened.files) == files
    assert opened.canonical


def test_a_bundle_packed_again_still_opens_but_is_not_canonical() -> None:
    opened = read(packed(*FILES.items()))
    assert dict(opened.files) == FILES
    assert not opened.canonical


@pytest.mark.parametrize(
    "name",
    ["../x", "a/../b", "/etc/passwd", "a//b", "a/", "", ".", "a\\b", "C:x", "a\x00b", "a\nb", "nul ", "x.", "q?", "x" * 241, "cafe\u0301"],
)  # fmt: skip
def test_a_name_that_could_leave_its_folder_is_refused(name: str) -> None:
    with pytest.raises(Malformed):
        check_path(name)
    with pytest.raises(Malformed):
        build({name: b""})


@pytest.mark.parametrize(
    "name", ["../x", "a/../b", "/etc/passwd", "a//b", "folder//", "../", "C:x", "cafe\u0301"]
)
def test_such_a_name_is_refused_in_reading_too(name: str) -> None:
    with pytest.raises(Malformed, match="no file name"):
        read(packed((name, b"x")))


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("names", [("a", "a"), ("report.json", "REPORT.json")])
def test_two_files_of_one_name_are_refused(names: tuple[str, str]) -> None:
    with pytest.raises(Malformed, match="same name"):
        read(packed(*((name, b"x") for name in names)))


@pytest.mark.parametrize("mode", [0o120777, 0o040755, 0o020644, 0o010644])
def test_links_folders_and_devices_are_refused(mode: int) -> None:
    with pytest.raises(Malformed, match="no regular file"):
        read(packed((linked("a", mode), b"/etc/passwd")))


def test_the_entries_for_folders_of_one_packed_again_are_passed_over() -> None:
    opened = read(packed((linked("b/", 0o040755), b""), *FILES.items()))
    assert dict(opened.files) == FILES
    assert not opened.canonical
    with pytest.raises(Malformed, match="no file name"):
        read(packed(("b/", b"content in a folder")))
    with pytest.raises(Malformed, match="no regular file"):
        read(packed((linked("b/", 0o120777), b"")))


def test_encryption_is_refused() -> None:
    archive = bytearray(build({"a": b"x"}))
    place = archive.index(b"PK\x01\x02") + 8
    archive[place] |= 1
    with pytest.raises(Malformed, match="encrypted"):
        read(bytes(archive))


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_unusual_compression_is_refused(method: int) -> None:
    with pytest.raises(Malformed, match="unusual"):
        read(packed(("a", b"x" * 99), method=method))


def test_a_bomb_is_refused_before_it_expands() -> None:
    with pytest.raises(Malformed, match="beyond all measure"):
        read(packed(("a", bytes(50_000_000))))


def test_a_bomb_that_lies_about_its_size_is_stopped() -> None:
    archive = bytearray(packed(("a", bytes(1_000_000))))
    for magic, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        place = archive.index(magic) + offset
        archive[place : place + 4] = struct.pack("<I", 10)
    with pytest.raises(Malformed, match="not as long"):
        read(bytes(archive))


def test_too_many_files_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    archive = build({f"f{n}": b"" for n in range(12)})
    monkeypatch.setattr(bundle, "MAX_FILES", 11)
    with pytest.raises(Malformed, match="more than 11 files"):
        read(archive)


@pytest.mark.parametrize("junk", [b"x", b"#!/bin/sh\n", bytes(100)])
def test_bytes_before_or_behind_the_archive_are_refused_or_seen(junk: bytes) -> None:
    archive = build(FILES)
    for changed in (junk + archive, archive + junk):
        try:
            assert not read(changed).canonical
        except Malformed:
            continue


def test_a_comment_is_refused() -> None:
    out = io.BytesIO(build(FILES))
    with zipfile.ZipFile(out, "a") as archive:
        archive.comment = b"hello"
    with pytest.raises(Malformed, match="behind"):
        read(out.getvalue())


def test_overlapping_entries_are_refused() -> None:
    archive = bytearray(build({"a": b"x" * 50, "b": b"x" * 50}))
    second = archive.index(b"PK\x01\x02", archive.index(b"PK\x01\x02") + 4)
    archive[second + 42 : second + 46] = bytes(4)
    with pytest.raises(Malformed, match="overlaps"):
        read(bytes(archive))
