"""Finding and loading: what a path or name stands for, in a checkout and in an install."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

import escsim
from escsim import library
from escsim.errors import ScenarioError
from tests.conftest import ROOT, SMALL, Told, environment

CRISES = [
    "algeria-france-2021",
    "algeria-morocco-2021",
    "canada-india-2023",
    "india-pakistan-2019",
    "iran-pakistan-2024",
    "iraq-iran-2024",
    "israel-turkey-2010",
    "israel-turkey-2018",
    "italy-france-2019",
    "japan-korea-2012",
    "japan-korea-2017",
    "morocco-spain-2021",
    "netherlands-turkey-2017",
    "russia-turkey-2015",
    "saudi-canada-2018",
    "saudi-iran-2016",
    "spain-argentina-2024",
    "thailand-cambodia-2009",
    "uk-russia-2018",
    "venezuela-colombia-us-2019",
]
NAMES = ["iran-pakistan-2024", "iraq-iran-2024", "saudi-iran-2016"]
ALL = f"shipped scenarios: {', '.join(map(repr, CRISES[:12]))}, ..."


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_shipped_scenarios_are_these() -> None:
    assert list(library.shipped()) == CRISES
    assert all(path.is_file() and path.name == f"{name}.yaml" for name, path in library.shipped().items())


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_scenario_is_found_by_its_name_from_anywhere(name: str) -> None:
    assert library.find(name) == library.shipped()[name]
    assert library.find(Path(name)) == library.shipped()[name]
    scenario = library.load(name)
    assert scenario.name == name
    assert scenario.text == library.shipped()[name].read_text("utf-8")


def test_a_file_is_found_by_its_path(small: Path) -> None:
    for path in (small, str(small), "small.yaml", "./small.yaml", Path("small.yaml")):
        assert library.find(path) == Path(path)
        assert library.load(path).name == "small"
    assert escsim.load("small.yaml").hash == library.load(small).hash


@pytest.mark.parametrize("name", NAMES)
def test_a_file_wins_over_a_name(name: str) -> None:
    Path(name).write_text(SMALL, "utf-8")
    assert library.find(name) == Path(name)
    assert library.load(name).title == "A quarrel"


def test_a_folder_does_not_hide_a_name() -> None:
    Path("iraq-iran-2024").mkdir()
    assert library.load("iraq-iran-2024").name == "iraq-iran-2024"


def test_a_scenario_has_the_name_of_its_file(small: Path) -> None:
    for name, stem in [("a.b.yaml", "a.b"), ("no_ending", "no_ending"), ("UPPER.YML", "UPPER"), ("with space.yaml", "with space")]:
        shutil.copy(small, name)
        assert library.load(name).name == stem


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("iran-pakistan-2042", "there is no file and no shipped scenario 'iran-pakistan-2042'; did you mean 'iran-pakistan-2024'?"),
        ("iran-pakistan-2024.yaml", "there is no file and no shipped scenario 'iran-pakistan-2024.yaml'; did you mean 'iran-pakistan-2024'?"),
        ("out/iraq-iran-2024.yml", "there is no file and no shipped scenario 'out/iraq-iran-2024.yml'; did you mean 'iraq-iran-2024'?"),
        ("Iran-Pakistan-2024", "there is no file and no shipped scenario 'Iran-Pakistan-2024'; did you mean 'iran-pakistan-2024'?"),
        ("crisis.yaml", f"there is no file and no shipped scenario 'crisis.yaml'; {ALL}"),
        ("\x1b[31m", f"there is no file and no shipped scenario '\\x1b[31m'; {ALL}"),
        (".", ". is a folder, not a scenario file"),
    ],
)
def test_what_is_not_there_is_told_with_what_is(wanted: str, message: str) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        library.find(wanted)
    assert str(caught.value) == message
    with pytest.raises(FileNotFoundError):
        library.load(wanted)


def test_a_name_short_of_its_ending_is_told_the_file_beside_it(small: Path) -> None:
    for wanted in ("small", Path("small"), small.with_suffix("")):
        with pytest.raises(FileNotFoundError) as caught:
            library.find(wanted)
        assert str(caught.value) == f"there is no file and no shipped scenario {str(wanted)!r}; did you mean {str(wanted) + '.yaml'!r}?"


def test_naming_what_ships_imports_nothing_heavy() -> None:
    code = "import sys, escsim.library; escsim.library.shipped(); print(*sorted({'pydantic', 'yaml', 'transitions', 'pandas'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "\n"


def test_a_link_to_a_file_is_found_and_one_to_nothing_is_not(small: Path) -> None:
    Path("link.yaml").symlink_to(small)
    assert library.load("link.yaml").name == "link"
    Path("dead.yaml").symlink_to("nowhere")
    with pytest.raises(FileNotFoundError, match=r"no shipped scenario 'dead\.yaml'"):
        library.find("dead.yaml")


@pytest.mark.parametrize("path", ["/dev/null", "/dev/zero", "pipe"])
def test_what_is_no_regular_file_is_refused_at_once(path: str) -> None:
    """/dev/zero has no end, and a pipe would wait for ever."""
    os.mkfifo("pipe")
    with pytest.raises(ScenarioError) as caught:
        library.load(path)
    assert str(caught.value) == f"{path}:1:1: error: this is not a regular file"


def test_all_faults_of_a_file_come_at_once_and_in_order(scenario: Callable[..., object]) -> None:
    with pytest.raises(ScenarioError) as caught:
        scenario(
            ("period: {from: 2024-01-01,", "period: {from: 2024-01-32,"),
            ("recall_envoy, cite", "recal_envoy, cite"),
            ("delay: 1 day", "delay: 1 month"),
        )
    problems = caught.value.problems
    assert [problem.place.line for problem in problems] == sorted(problem.place.line for problem in problems)
    assert len(problems) >= 2
    assert all(problem.remedy for problem in problems)


def test_hashes_count_what_is_said_and_not_how(small: Path, scenario: Callable[..., escsim.Scenario]) -> None:
    hash_ = library.load(small).hash
    assert scenario(("title: A quarrel\n", "# A comment.\ntitle:   'A quarrel'\n")).hash == hash_
    assert scenario(("cite: wire, follows: insult}", "follows: [insult], cite: [wire]}")).hash == hash_
    assert scenario(("title: A quarrel\n", "title: A Quarrel\n")).hash != hash_
    assert scenario(("delay: 2 days", "delay: 3 days")).hash != hash_
    assert scenario(("delay: 2 days", "delay: 48 hours")).hash == hash_


# Where the shipped files are


def test_an_install_has_its_scenarios_inside_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inside = tmp_path / "site" / "escsim" / "scenarios"
    inside.mkdir(parents=True)
    (inside / "only-one.yaml").write_text(SMALL, "utf-8")
    (inside / "escsim.schema.json").write_text("{}", "utf-8")
    monkeypatch.setattr(library, "_HERE", tmp_path / "site" / "escsim")
    assert library.shelf() == inside
    assert list(library.shipped()) == ["only-one"]
    assert library.load("only-one").title == "A quarrel"
    with pytest.raises(FileNotFoundError, match="shipped scenarios: 'only-one'"):
        library.find("something else")


def test_a_checkout_has_its_scenarios_beside_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    beside = tmp_path / "checkout" / "scenarios"
    beside.mkdir(parents=True)
    (beside / "only-one.yaml").write_text(SMALL, "utf-8")
    monkeypatch.setattr(library, "_HERE", tmp_path / "checkout" / "escsim")
    assert library.shelf() == beside
    assert library.load("only-one").title == "A quarrel"


def test_without_any_scenarios_there_is_still_a_plain_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "_HERE", tmp_path / "broken" / "escsim")
    assert library.shipped() == {}
    with pytest.raises(FileNotFoundError, match="there is no file and no shipped scenario 'crisis'"):
        library.find("crisis")


INSTALLED = """
import escsim, escsim.library, escsim.ladder, escsim.actions
print(escsim.__file__)
print(*escsim.library.shipped(), *escsim.ladder.shipped(), len(escsim.actions.shipped()))
print(escsim.load("iran-pakistan-2024").replay().to_dict()["days"]["2024-01-25"])
"""


@pytest.mark.slow
def test_the_wheel_carries_all_that_it_needs_and_works_from_an_install(tmp_path: Path) -> None:
    pytest.importorskip("hatchling")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    env = environment(PYTHONPATH="", PYTHONDONTWRITEBYTECODE="1")
    build = [*pip, "wheel", "--no-deps", "--no-build-isolation", "--no-index", "-w", str(tmp_path / "wheel"), str(ROOT)]
    subprocess.run(build, env=env, check=True, timeout=300)
    (wheel,) = (tmp_path / "wheel").glob("*.whl")
    assert wheel.name == f"escsim-{escsim.__version__}-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as archive:
        packed = {info.filename: archive.read(info) for info in archive.infolist()}
    info = f"escsim-{escsim.__version__}.dist-info/"
    source = {path.relative_to(ROOT).as_posix(): path for path in (ROOT / "escsim").rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    source |= {f"escsim/scenarios/{path.name}": path for path in (ROOT / "scenarios").iterdir()}
    assert {name for name in packed if not name.startswith(info)} == set(source)
    assert [name for name, path in source.items() if packed[name] != path.read_bytes()] == []
    wanted = ["py.typed", "actions.yaml", "example.yaml", "ladders/simple.yaml", "ladders/missions.yaml", "scenarios/escsim.schema.json"]
    wanted += [f"scenarios/{name}.yaml" for name in CRISES]
    assert {f"escsim/{name}" for name in wanted} <= set(packed)
    assert b"escsim = escsim.__main__:main" in packed[info + "entry_points.txt"]
    assert info + "licenses/LICENSE" in packed

    target = tmp_path / "installed"
    subprocess.run([*pip, "install", "--no-deps", "--no-index", "--target", str(target), str(wheel)], env=env, check=True, timeout=300)
    there = environment(PYTHONPATH=os.pathsep.join([str(target), sysconfig.get_path("purelib")]))

    def told(*command: str) -> str:
        done = subprocess.run([sys.executable, *command], cwd=tmp_path, env=there, capture_output=True, text=True, timeout=120, check=True)
        return done.stdout

    file, names, status = told("-c", INSTALLED).splitlines()
    assert Path(file) == target / "escsim" / "__init__.py"
    assert names.split()[:-1] == [*CRISES, "missions", "simple"]
    assert status == "{'PAK->IRN': 'envoys_recalled', 'IRN->PAK': 'envoys_recalled'}"
    for name in NAMES[1:]:
        assert told("-m", "escsim", "check", name).startswith(f"{target / 'escsim' / 'scenarios' / name}.yaml: in order: ")
    assert told("-m", "escsim", "new", "crisis") == ""
    assert told("-m", "escsim", "check", "crisis.yaml").startswith("crisis.yaml: in order: ")
    assert (tmp_path / "escsim.schema.json").read_bytes() == (ROOT / "scenarios" / "escsim.schema.json").read_bytes()
    script = subprocess.run([str(target / "bin" / "escsim"), "--version"], env=there, capture_output=True, text=True, timeout=60, check=True)
    assert script.stdout == f"escsim {escsim.__version__}\n"


@pytest.mark.slow
@pytest.mark.parametrize("name", CRISES)
def test_each_crisis_is_replayed_checked_run_and_plotted(escsim: Callable[..., Told], name: str) -> None:
    """By the commands that a newcomer tries first."""
    told = escsim("check", name)
    assert (told.code, "in order: " in told.out) == (0, True)
    told = escsim("run", name, "-n", 300, "-q")
    assert told.code == 0
    folder = Path("out") / name
    assert {"summary.md", "trajectory.png", "trajectory.svg", "replay.csv", "variants.json"} <= {path.name for path in folder.iterdir()}
    summary = (folder / "summary.md").read_text("utf-8")
    assert summary.startswith(f"# {library.load(name).title}")
