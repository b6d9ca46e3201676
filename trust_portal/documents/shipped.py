"""Where templates and static files are: the checkout if we run from one, else inside the wheel."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]


def shipped(folder: str) -> Path:
    """The folder ``templates`` or ``static``; ``FileNotFoundError`` if the installation lacks it."""
    for root in (_PACKAGE.parent, _PACKAGE / "_shipped"):
        # A stray folder beside site-packages must not be taken for ours: only a checkout has both.
        if (root / folder).is_dir() and (
            root == _PACKAGE / "_shipped" or (root / "pyproject.toml").is_file()
        ):
            return root / folder
    raise FileNotFoundError(f"the folder {folder!r} is missing; install the package again")
