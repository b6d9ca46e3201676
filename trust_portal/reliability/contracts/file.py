"""A contract file holds one or more YAML documents; each is kept in the words it was written in."""

from __future__ import annotations

import yaml

from trust_portal.reliability.contracts.fields import MAX_DOCUMENT_BYTES
from trust_portal.reliability.findings import Unusable, refusal


def split_documents(source: bytes) -> tuple[bytes, ...]:
    """The documents of a file as the bytes between their markers, empty ones left out.

    Raises ``Unusable`` where the file as a whole is no YAML or holds nothing.
    """
    if len(source) > MAX_DOCUMENT_BYTES:
        raise Unusable("contracts", [refusal("DOCUMENT_TOO_LARGE", "larger than 1 MiB", "$")])
    try:
        text = source.decode()
        spans: list[tuple[int, int]] = []
        start = 0
        empty = True
        for event in yaml.parse(text, Loader=yaml.BaseLoader):
            if isinstance(event, yaml.DocumentStartEvent) and event.end_mark is not None:
                start, empty = event.end_mark.index, True
            elif isinstance(event, yaml.DocumentEndEvent) and event.start_mark is not None:
                if not empty:
                    spans.append((start, event.start_mark.index))
            elif not isinstance(event, yaml.ScalarEvent) or event.value:
                empty = False
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        message = " ".join(str(error).split()) or type(error).__name__
        raise Unusable("contracts", [refusal("DOCUMENT_MALFORMED", f"not YAML: {message}", "$")]) from error
    if not spans:
        raise Unusable("contracts", [refusal("DOCUMENT_EMPTY", "there is no contract in this file", "$")])
    return tuple(text[start:end].strip("\n").encode() + b"\n" for start, end in spans)
