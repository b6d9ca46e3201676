"""What is installed is ours, whole, and exactly what the lock says."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def pins(name: str) -> set[tuple[str, str]]:
    """Name and version; a package may have one version for each Python."""
    text = (ROOT / "requirements" / name).read_text()
    return set(re.findall(r"^([a-z0-9._-]+)==([^\s;]+)", text, flags=re.MULTILINE))


def names(lock: str) -> set[str]:
    return {name for name, _ in pins(lock)}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (built,) = folder.glob("trust_portal-*.whl")
    return zipfile.ZipFile(built)


@pytest.mark.parametrize("package", ["trust_portal", "schema", "jobs"])
def test_our_packages_load_from_our_own_distribution(package: str) -> None:
    """The public distribution called schema would overwrite ours."""
    spec = importlib.util.find_spec(package)
    assert spec is not None
    assert spec.origin == str(ROOT / package / "__init__.py")
    installed = {name.lower() for name in importlib.metadata.packages_distributions().get(package, [])}
    assert installed <= {"trust-portal"}
    assert package not in names("dev.txt")


@pytest.mark.parametrize("folder", ["templates", "static", "migrations"])
def test_the_wheel_carries_every_shipped_file(wheel: zipfile.ZipFile, folder: str) -> None:
    tracked = subprocess.run(
        ["git", "ls-files", folder], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.split("\n")
    wanted = {f"trust_portal/_shipped/{name}" for name in tracked if name}
    assert wanted
    assert wanted <= set(wheel.namelist())


def test_the_wheel_carries_every_module_and_neither_caches_nor_tests_nor_benchmarks(
    wheel: zipfile.ZipFile,
) -> None:
    found = set(wheel.namelist())
    modules = {
        str(path.relative_to(ROOT))
        for package in ("trust_portal", "schema", "jobs")
        for path in (ROOT / package).rglob("*.py")
    }
    assert modules <= found
    assert not [name for name in found if "__pycache__" in name or name.startswith(("tests/", "benchmarks/"))]


def test_an_installed_wheel_finds_its_files(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    wheel.extractall(tmp_path)
    ask = (
        "from trust_portal.runtime.shipped import shipped\n"
        "for name in ('templates', 'static', 'migrations', 'requirements'): print(shipped(name))"
    )
    said = subprocess.run(
        [sys.executable, "-c", ask], cwd=tmp_path, check=True, capture_output=True, text=True
    ).stdout.split()
    assert said == [
        str(tmp_path / "trust_portal" / "_shipped" / name)
        for name in ("templates", "static", "migrations", "requirements")
    ]
    (lock,) = (tmp_path / "trust_portal" / "_shipped" / "requirements").iterdir()
    assert lock.read_bytes() == (ROOT / "requirements" / "verify.txt").read_bytes()


def test_declared_dependencies_are_those_of_the_lock() -> None:
    asked = {
        line.strip()
        for line in (ROOT / "requirements" / "app.in").read_text().splitlines()
        if line.strip() and not line.startswith("#")
    }
    assert set(PROJECT["dependencies"]) == asked
    assert {Requirement(line).name.lower() for line in asked} <= names("app.txt")


def test_the_locks_agree() -> None:
    assert pins("app.txt") | pins("build.txt") <= pins("dev.txt")
    assert pins("verify.txt") < pins("app.txt")


@pytest.mark.parametrize("name", ["app.txt", "build.txt", "dev.txt", "verify.txt"])
def test_a_lock_has_a_hash_for_everything_and_no_address(name: str) -> None:
    text = (ROOT / "requirements" / name).read_text()
    assert not re.search(r"https?://|--(extra-)?index-url|--find-links|--trusted-host", text)
    for entry in re.split(r"\n(?=[a-z0-9])", text.strip()):
        assert "--hash=sha256:" in entry, entry.splitlines()[0]
