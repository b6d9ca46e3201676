"""Bundles: one deterministic zip, readable by every unzip there is.

There is exactly one zip for a set of files: names sorted by their UTF-8 bytes, every entry stored
(compressed sizes differ between zlib builds; stored bytes do not), one fixed time, no extra fields,
no comment. So a reader can rebuild the archive from what it read and compare: every byte is either
content, which the manifest digests, or implied by the content.
"""

from __future__ import annotations

import io
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

from trust_portal.evidence.strict import Malformed

MAX_FILES = 10_000
MAX_BYTES = 1024**3
"""Of the archive, and of all its files together."""
MAX_RATIO = 200
"""Expansion of a repacked bundle beyond which it is a bomb; measured series stay well below."""

#: The earliest time a zip can state (1980-01-01): it states nothing.
_EPOCH = (1980, 1, 1, 0, 0, 0)
_UNIX = 3
_REGULAR_FILE_0644 = 0o100644 << 16
_FILE_TYPE, _REGULAR, _FOLDER = 0o170000, 0o100000, 0o040000
_ENCRYPTED = 0x1
_LOCAL_HEADER = struct.Struct("<4s22xHH")


@dataclass(frozen=True, slots=True)
class Opened:
    """The files of an archive, and whether it is *the* zip of these files."""

    files: Mapping[str, bytes]
    canonical: bool


def build(files: Mapping[str, bytes]) -> bytes:
    """The one zip of ``files``. ``Malformed`` for a name that could leave its folder, or too much."""
    if len(files) > MAX_FILES or sum(map(len, files.values())) > MAX_BYTES:
        raise Malformed(f"a bundle has at most {MAX_FILES} files and {MAX_BYTES} bytes", field="bundle")
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED, allowZip64=False) as archive:
        for name in sorted(files, key=str.encode):
            entry = zipfile.ZipInfo(check_path(name), _EPOCH)
            entry.create_system = _UNIX
            entry.external_attr = _REGULAR_FILE_0644
            archive.writestr(entry, files[name])
    return out.getvalue()


def check_path(name: str) -> str:
    """``name`` if it is a relative path of plain parts that means the same on every system."""
    parts = name.split("/")
    if (
        not name
        or len(name.encode(errors="replace")) > 240
        or any(part in {"", ".", ".."} or part != part.strip(" .") for part in parts)
        # Else two names may become one where a file system normalises them.
        or not unicodedata.is_normalized("NFC", name)
        or any(ord(c) < 0x20 or c in '\\:*?"<>|\x7f' for c in name)
    ):
        raise Malformed(f"{name!r} is no file name a bundle may hold", field="bundle")
    return name


def read(data: bytes) -> Opened:
    """The files of ``data``; ``Malformed`` for what no honest archive does.

    A bundle somebody unpacked and zipped again still opens (``canonical`` is then false), so that
    a changed file can be named; the empty entries for folders that most programs write are passed over.
    Refused outright: prepended or trailing bytes, links, encryption, unsafe or repeated names (also those that differ by case only), methods other than
    stored and deflate, overlapping entries, and bombs. CRCs are not believed and not needed.
    """
    if len(data) > MAX_BYTES:
        raise Malformed(f"larger than {MAX_BYTES} bytes", field="bundle")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries, comment = archive.infolist(), archive.comment
            start_of_directory = archive.start_dir
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, struct.error) as error:
        raise Malformed(f"not a zip archive: {error}", field="bundle") from error
    if comment or not data.startswith(b"PK\x03\x04"):
        raise Malformed("bytes before or behind the archive", field="bundle")
    _refuse_hostile(entries, len(data))
    files, reached = {}, 0
    for entry in sorted(entries, key=lambda each: each.header_offset):
        if entry.header_offset < reached:
            raise Malformed(f"{entry.filename!r} overlaps another entry", field="bundle")
        start = _content_start(data, entry)
        reached = start + entry.compress_size
        if reached > start_of_directory:
            raise Malformed(f"{entry.filename!r} runs into the directory", field="bundle")
        content = _content(data[start:reached], entry)
        if not _is_folder(entry):
            files[entry.filename] = content
    return Opened(files, build(files) == data)


def _refuse_hostile(entries: list[zipfile.ZipInfo], size: int) -> None:
    if len(entries) > MAX_FILES:
        raise Malformed(f"more than {MAX_FILES} files", field="bundle")
    expanded = sum(entry.file_size for entry in entries)
    if expanded > MAX_BYTES or expanded > size * MAX_RATIO:
        raise Malformed("expands beyond all measure", field="bundle")
    names = [check_path(entry.filename[:-1] if _is_folder(entry) else entry.filename) for entry in entries]
    if len({name.casefold() for name in names}) != len(names):
        raise Malformed("two files of the same name", field="bundle")
    for entry in entries:
        kind = (entry.external_attr >> 16) & _FILE_TYPE
        if entry.orig_filename != entry.filename:
            raise Malformed(f"{entry.filename!r} has a second name", field="bundle")
        if kind not in ((0, _REGULAR, _FOLDER) if _is_folder(entry) else (0, _REGULAR)):
            raise Malformed(f"{entry.filename!r} is no regular file", field="bundle")
        if entry.flag_bits & _ENCRYPTED:
            raise Malformed(f"{entry.filename!r} is encrypted", field="bundle")
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise Malformed(f"{entry.filename!r} is compressed in an unusual way", field="bundle")


def _is_folder(entry: zipfile.ZipInfo) -> bool:
    """The way a zip says "folder": a name that ends with a slash, and no content."""
    return entry.filename.endswith("/") and entry.file_size == 0


def _content_start(data: bytes, entry: zipfile.ZipInfo) -> int:
    """Where the entry's bytes begin, by its local header (APPNOTE 4.3.7)."""
    header = data[entry.header_offset : entry.header_offset + 30]
    if len(header) != 30:
        raise Malformed(f"{entry.filename!r} lies outside the archive", field="bundle")
    magic, name_length, extra_length = _LOCAL_HEADER.unpack(header)
    if magic != b"PK\x03\x04":
        raise Malformed(f"{entry.filename!r} has no local header", field="bundle")
    return entry.header_offset + 30 + int(name_length) + int(extra_length)


def _content(raw: bytes, entry: zipfile.ZipInfo) -> bytes:
    if entry.compress_type == zipfile.ZIP_STORED:
        content = raw
    else:
        try:
            content = zlib.decompressobj(-zlib.MAX_WBITS).decompress(raw, entry.file_size + 1)
        except zlib.error as error:
            raise Malformed(f"{entry.filename!r} does not decompress: {error}", field="bundle") from error
    if len(content) != entry.file_size:
        raise Malformed(f"{entry.filename!r} is not as long as it says", field="bundle")
    return content
