"""What the tests share: Hypothesis profiles, a small scenario, and ways to run the command line inside and outside."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import settings

from escsim import cli
from escsim.library import load
from escsim.scenario import Scenario

ROOT = Path(__file__).parent.parent

settings.register_profile("quick", deadline=None, print_blob=True, max_examples=60)
settings.register_profile("long", deadline=None, print_blob=True, max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))

SHEETS = [pytest.param(False, id="screen"), pytest.param(True, id="paper", marks=pytest.mark.slow)]  # on which a figure must be legible

UNMEASURED = ("in_time", "at_once", "generated", "hypothesis", "can_be_read", "slow_reader", "test_classroom", "test_page")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep coverage, where it is measured, away from tests that hold a time, which it slows down, and from those that only repeat."""
    for item in items:
        if any(name in item.nodeid for name in UNMEASURED):
            item.add_marker("no_cover")


SMALL = """\
title: A quarrel
summary: Alpha calls its ambassador home.
sources:
  paper: The Paper, 4 January 2024
  wire: The Wire, 5 January 2024
report: paper
actors:
  AAA: Alpha
  BBB: Beta
  crowd: A crowd
ladder: simple
period: {from: 2024-01-01, to: 2024-01-10}
background:
  - {date: 2023-12, actor: crowd, text: A crowd gathers., cite: paper}
events:
  - {id: insult, date: 2024-01-02, actor: BBB, target: AAA, action: provocation, text: Beta insults Alpha., cite: [paper, wire]}
  - {id: recall, date: 2024-01-03 05:30, actor: AAA, target: BBB, action: recall_envoy, cite: wire, follows: insult}
  - {id: talks, date: 2024-01-04 to 2024-01-05, actor: [AAA, BBB], action: talks, follows: recall, disputed: The place is not certain.}
  - {id: back, date: 2024-01-07, actor: AAA, target: BBB, action: [return_envoy, normalise], follows: talks, cite: paper}
  - {id: answer, actor: BBB, target: AAA, action: recall_envoy, text: Beta answers in kind., follows: recall, unless: talks, delay: 2 days}
  - {id: march, actor: crowd, action: protest, follows: answer, delay: 1 day}
"""


class Told(NamedTuple):
    """What a command gave: exit code, stdout, stderr."""

    code: int
    out: str
    err: str


def environment(**more: str) -> dict[str, str]:
    """Give the environment of this process without what would change escsim's output, and with `more`."""
    meant = ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES", "LC_ALL", "LC_CTYPE", "LANG", "PYTHONIOENCODING", "PYTHONUTF8", "PYTHONPATH")
    kept = {name: value for name, value in os.environ.items() if name not in meant}
    return {**kept, "PYTHONPATH": str(ROOT), "LC_ALL": "C.UTF-8", "COLUMNS": "100", **more}


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Give the file of a small scenario."""
    path = tmp_path / "small.yaml"
    path.write_text(SMALL, "utf-8")
    return path


@pytest.fixture
def scenario(tmp_path: Path) -> Callable[..., Scenario]:
    """Give a way to load the small scenario with some of its text replaced."""

    def loaded(*changes: tuple[str, str], text: str = SMALL, name: str = "changed") -> Scenario:
        for old, new in changes:
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        path = tmp_path / f"{name}.yaml"
        path.write_bytes(text.encode())
        return load(path)

    return loaded


@pytest.fixture
def escsim(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Callable[..., Told]:
    """Give a way to run the command line in this process, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "100")

    def called(*args: object) -> Told:
        monkeypatch.setattr(sys, "argv", ["escsim", *map(str, args)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as leaving:
            cli.main()
        assert isinstance(leaving.value.code, int)
        return Told(leaving.value.code, *capsys.readouterr())

    return called


@pytest.fixture
def process(tmp_path: Path) -> Callable[..., Told]:
    """Give a way to run `python -m escsim` as a user does; `env` adds to the environment."""

    def called(*args: object, cwd: Path = tmp_path, env: dict[str, str] | None = None, **more: Any) -> Told:
        command = [sys.executable, "-m", "escsim", *map(str, args)]
        done = subprocess.run(command, cwd=cwd, env=environment(**env or {}), capture_output=True, timeout=120, check=False, **more)
        return Told(done.returncode, done.stdout.decode("utf-8", "surrogateescape"), done.stderr.decode("utf-8", "surrogateescape"))

    return called


DROP = """
import ctypes, os, sys
for ability in (1, 2):  # to write and to read what its mode forbids
    assert os.geteuid() or not ctypes.CDLL(None).prctl(24, ability, 0, 0, 0)
os.execv(sys.executable, [sys.executable, "-m", "escsim", *sys.argv[1:]])
"""


@pytest.fixture
def powerless(tmp_path: Path) -> Callable[..., Told]:
    """Give a way to run `python -m escsim` as one whom the modes of files bind, even if the tests run as root."""

    def called(*args: object) -> Told:
        if os.geteuid() == 0 and sys.platform != "linux":
            pytest.skip("modes do not bind root here")
        command = [sys.executable, "-c", DROP, *map(str, args)]
        done = subprocess.run(command, cwd=tmp_path, env=environment(), capture_output=True, text=True, timeout=120, check=False)
        return Told(done.returncode, done.stdout, done.stderr)

    return called
