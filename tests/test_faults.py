"""Faults planted in copies of the package: each must turn the tests red that are named for it, and without one they are green."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.faults import FAULTS, Fault, table

ELSEWHERE = 9  # exit code; pytest's own end at 5
RUN = f"""
import sys, pytest, escsim
sys.exit(pytest.main(sys.argv[2:]) if escsim.__file__ == sys.argv[1] else {ELSEWHERE})
"""
INTERPRETED = "kernel.py"  # to compile a faulty kernel takes longer than to run so little of it as it is written


def copied(folder: Path) -> Path:
    """Copy all that tests need, with what is compiled."""
    for name in ("escsim", "tests", "scenarios"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("*.pyc.*", "*.tmp*"))  # another test may be writing these
    shutil.copy2(ROOT / "pyproject.toml", folder)
    return folder


def planted(each: Fault, folder: Path) -> None:
    path = folder / "escsim" / each.file
    path.write_text(path.read_text("utf-8").replace(each.old, each.new), "utf-8")
    for compiled in path.parent.glob(f"__pycache__/{path.stem}.*.pyc"):  # it may be as long, and written within the same second
        compiled.unlink()


def outcome(folder: Path, tests: Iterable[str], *, interpreted: bool) -> tuple[int, str]:
    """Run tests in a copy; give pytest's exit code and what it says."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_", "NUMBA_", "HYPOTHESIS_"))}
    env = {**kept, "PYTHONPATH": str(folder), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "NUMBA_DISABLE_JIT": str(int(interpreted))}
    # pytest-cov alone is loaded: conftest.py marks tests for it
    options = ["-q", "-p", "no:cacheprovider", "-p", "pytest_cov.plugin", *tests]
    command = [sys.executable, "-c", RUN, str(folder / "escsim" / "__init__.py"), *options]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=300)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("each", FAULTS, ids=lambda each: each.said)
def test_a_fault_can_be_planted_and_its_tests_exist(each: Fault) -> None:
    """Else the list would go stale in silence."""
    assert (ROOT / "escsim" / each.file).read_text("utf-8").count(each.old) == 1
    assert each.new != each.old
    assert each.tests
    for test in each.tests:
        file, _, name = test.partition("::")
        assert name.partition("[")[0] in functions(ROOT / file)


@cache
def functions(path: Path) -> set[str]:
    """Name the functions of a module."""
    return {each.name for each in ast.parse(path.read_text("utf-8")).body if isinstance(each, ast.FunctionDef)}


def test_every_fault_is_another_one() -> None:
    assert len({each.said for each in FAULTS}) == len({(each.file, each.old, each.new) for each in FAULTS}) == len(FAULTS)


def test_the_table_of_the_readme_is_current() -> None:
    """`python -m tests.faults` prints it."""
    assert "\n".join(table()) in (ROOT / "tests" / "README.md").read_text("utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("each", FAULTS, ids=lambda each: each.said)
def test_a_planted_fault_turns_its_tests_red(each: Fault, tmp_path: Path) -> None:
    folder = copied(tmp_path)
    planted(each, folder)
    code, told = outcome(folder, each.tests, interpreted=each.file == INTERPRETED)
    assert code == pytest.ExitCode.TESTS_FAILED, told
    assert [test for test in each.tests if f"FAILED {test}" not in told] == [], told


@pytest.mark.slow
@pytest.mark.parametrize("interpreted", [False, True], ids=["compiled", "interpreted"])
def test_without_a_fault_the_same_tests_are_green(interpreted: bool, tmp_path: Path) -> None:
    """A copy in which everything is red would prove nothing."""
    tests = dict.fromkeys(test for each in FAULTS for test in each.tests if interpreted <= (each.file == INTERPRETED))
    code, told = outcome(copied(tmp_path), tests, interpreted=interpreted)
    assert code == pytest.ExitCode.OK, told
    assert f"{len(tests)} passed" in told


@pytest.mark.slow
def test_tests_that_are_not_those_of_the_copy_are_told() -> None:
    """Or what is red, and what is green, would be so in the package as it is installed."""
    command = [sys.executable, "-c", RUN, "/elsewhere/escsim/__init__.py", "--version"]
    assert subprocess.run(command, cwd=ROOT, capture_output=True, check=False, timeout=60).returncode == ELSEWHERE
