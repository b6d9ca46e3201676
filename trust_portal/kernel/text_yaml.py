"""YAML in which every scalar stays the text that stands in the file.

So ``99.9`` never passes through a float on its way to a fraction, and ``no`` is a country too.
Aliases and repeated keys are refused: in a document that people answer for, a value is written once,
where it is read.
"""

from __future__ import annotations

from collections.abc import Hashable

import yaml


class NotYaml(ValueError):
    """The text is not one YAML document of this kind; the message says where and why."""


class _TextLoader(yaml.BaseLoader):
    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases (*name) are not allowed here; write the value out")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, object]:
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.YAMLError(f"{key.value!r} stands twice in one mapping{key.start_mark}")
            seen.add(key.value if isinstance(key.value, str) else repr(key.value))
        return super().construct_mapping(node, deep)


def load_text_yaml(text: str) -> object:
    """Mappings, lists and text; ``NotYaml`` for anything that is not one such document."""
    try:
        return yaml.load(text, Loader=_TextLoader)  # noqa: S506 - builds text, lists and mappings only
    except (yaml.YAMLError, RecursionError) as error:
        raise NotYaml(" ".join(str(error).split()) or type(error).__name__) from error
