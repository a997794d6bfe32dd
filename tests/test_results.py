"""Results as files: what each holds, where it comes from, and that it is whole, the same each time and not written over."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

import escsim as package
from escsim import ensemble as ensembles
from escsim import results, running
from escsim.ensemble import log
from escsim.questions import METHODS
from tests.conftest import Told, environment

Run = Callable[..., Told]
FLAGSHIP = "iran-pakistan-2024"
MANY = 400


def run_(escsim: Run, *args: object) -> Told:
    done = escsim("simulate", FLAGSHIP, "-n", MANY, *args)
    assert done.code == 0, done.err
    return done


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_json_file_is_what_json_prints_and_where_it_comes_from(escsim: Run, tmp_path: Path) -> None:
    done = run_(escsim, "--json", "-o", "a.json")
    assert done.err == "\nresults: a.json\n"
    found = json.loads((tmp_path / "a.json").read_bytes())
    origin = found.pop("provenance")
    assert found == json.loads(done.out) == json.loads(run_(escsim, "--json").out)
    scenario = package.load(FLAGSHIP)
    assert origin == {
        "command": f"escsim simulate {FLAGSHIP} -n 400 --json -o a.json",
        "n": MANY,
        "wanted": MANY,
        "seed": scenario.variants.seed,
        "escsim": package.__version__,
        "numpy": np.__version__,
        "python": "{}.{}.{}".format(*sys.version_info[:3]),
        "process": found["process"],
        "hash": scenario.hash,
        "scenario": FLAGSHIP,
        "text": scenario.text,
    }


def test_csv_and_parquet_hold_the_same_numbers_as_json(escsim: Run, tmp_path: Path) -> None:
    data = json.loads(run_(escsim, "--json", "-o", "a.csv").out)
    assert set(tree(tmp_path)) == {"a.csv", "a-events.csv", "a-questions.csv", "a.provenance.json"}
    run_(escsim, "-o", "b.parquet")
    for name in ("", "-events", "-questions"):
        table = pd.read_csv(tmp_path / f"a{name}.csv", keep_default_na=False)
        other = pd.read_parquet(tmp_path / f"b{name}.parquet")
        if name == "":
            assert str(other["date"].dtype).startswith("datetime64")
            other["date"] = other["date"].dt.strftime("%Y-%m-%d")
        written = other.to_csv(index=False, lineterminator="\n")
        assert written == (tmp_path / f"a{name}.csv").read_text(), name
        assert len(table) > 10
        origin = json.loads(pq.read_schema(tmp_path / f"b{name}.parquet").metadata[b"escsim"])
        assert origin | {"command": ""} == json.loads((tmp_path / "a.provenance.json").read_bytes()) | {"command": ""}
    rows = {name: list(csv.DictReader((tmp_path / f"a{name}.csv").read_text().splitlines())) for name in ("", "-events", "-questions")}
    shares = {**data["occupancy"], **data["pairs"]}
    assert len(rows[""]) == sum(len(days) for held in shares.values() for days in held.values())
    for row in rows[""]:
        day = data["days"].index(row["date"])
        assert float(row["share"]) == shares[row["of"]][row["status"]][day]
        if row["of"] in data["occupancy"]:
            assert float(row["low"]) == data["occupancy_low"][row["of"]][row["status"]][day]
    for row in rows["-events"]:
        assert [float(row[name]) for name in ("share", "low", "high")] == list(data["events"][row["event"]][row["fate"]].values())
    asked = {(row["question"], row["measure"]): row for row in rows["-questions"]}
    assert {name for name, _ in asked} == set(data["questions"])
    for (name, measure), row in asked.items():
        told = data["questions"][name]
        assert (row["kind"], int(row["asked"])) == (told["kind"], told["asked"])
        main = [told["estimate"], told["low"], told["high"]]
        known = {"probability": main, "median": main, **{key: list(value.values()) for key, value in told.get("shares", {}).items()}}
        known |= {"mean": list(told["mean"].values())} if "mean" in told else {}
        known |= {
            key: list((value or dict.fromkeys("abc")).values())
            for key, value in zip(("lower quartile", "_", "upper quartile"), told.get("quartiles", []), strict=False)
        }
        assert [float(row[key]) if row[key] else None for key in ("estimate", "low", "high")] == known[measure], (name, measure)
        assert row["method"] in METHODS.values()
    assert asked["severed", "probability"]["replay"] == "no"
    assert asked["days_to_return", "median"]["replay"] == "9.0"


def test_an_exact_solution_stands_beside_the_answers(escsim: Run, tmp_path: Path) -> None:
    text = (Path(__file__).parent / "benchmarks" / "w1.yaml").read_text("utf-8") + "questions:\n  there: {time_in: {NOR->SOU: restored}}\n"
    (tmp_path / "chain.yaml").write_text(text, "utf-8")
    done = escsim("simulate", "chain.yaml", "-n", "200", "--json", "-o", "a.csv")
    assert done.code == 0, done.err
    exact = json.loads(done.out)["questions"]["there"]["exact"]
    told = {row["measure"]: row["exact"] for row in csv.DictReader((tmp_path / "a-questions.csv").read_text().splitlines())}
    assert told == {"lower quartile": "", "median": "", "upper quartile": "", "mean": str(exact)}


def test_the_text_in_a_result_is_the_whole_scenario(escsim: Run, tmp_path: Path, small: Path) -> None:
    (tmp_path / "more.yaml").write_text("extends: small.yaml\ntitle: A worse quarrel\n", "utf-8")
    for name in ("small", "more"):
        assert escsim("simulate", f"{name}.yaml", "-n", "10", "-o", f"{name}.json").code == 0
        origin = json.loads((tmp_path / f"{name}.json").read_bytes())["provenance"]
        (tmp_path / "again.yaml").write_text(origin["text"], "utf-8")
        assert package.load(tmp_path / "again.yaml").hash == origin["hash"]


@pytest.mark.parametrize("out", ["a.json", "a.csv", "a.parquet", "folder", "folder.d/"])
@pytest.mark.slow
def test_the_same_command_gives_the_same_bytes_and_another_writes_nothing_over(escsim: Run, tmp_path: Path, out: str) -> None:
    run_(escsim, "-o", out, "--events", "log.parquet")
    before = tree(tmp_path)
    run_(escsim, "-o", out, "--events", "log.parquet")
    assert tree(tmp_path) == before
    for other in (["-o", out, "--seed", 1], ["--events", "log.parquet"]):
        done = escsim("simulate", FLAGSHIP, "-n", MANY, *other)
        assert (done.code, done.out) == (2, "")
        assert "already there, and not from this command: " in done.err
        assert tree(tmp_path) == before
    run_(escsim, "-o", out, "--seed", 1, "--force")
    assert tree(tmp_path) != before


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["-o", "a.txt"], "-o: cannot tell the format of 'a.txt'; give it one of the endings .json, .csv, .parquet, or none for a folder"),
        (["-o", "small"], "-o: 'small' is there and no folder; files end in .json, .csv, .parquet"),
        (["--events", "log.csv"], "--events: 'log.csv' must end in .parquet"),
        (["-o", "a.parquet", "--events", "a-events.parquet"], "-o and --events would both write 'a-events.parquet'"),
        (["--cluster", "nowhere://"], "--cluster: no scheduler answers at 'nowhere://'"),
    ],
)
def test_a_place_that_cannot_be_is_a_wrong_command_line(escsim: Run, tmp_path: Path, args: list[str], message: str) -> None:
    (tmp_path / "small").write_bytes(b"mine")
    done = escsim("simulate", FLAGSHIP, "-n", MANY, *args)
    assert (done.code, done.out) == (2, "")
    assert message in done.err
    assert tree(tmp_path) == {"small": b"mine"}


# The event log


def test_the_event_log_is_every_firing_of_every_variant(escsim: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ensembles, "CHUNK", 150)
    run_(escsim, "--events", "log.parquet", "--seed", 7)
    table = pq.read_table(tmp_path / "log.parquet")
    ensemble = package.load(FLAGSHIP).simulate(MANY, 7)
    assert table.equals(ensemble.events())
    assert pq.ParquetFile(tmp_path / "log.parquet").num_row_groups == 3
    names, period = [*ensemble.scenario.order], ensemble.scenario.period
    rows = list(zip(*(table[name].to_pylist() for name in ("trajectory", "tick", "event", "moot")), strict=True))
    assert rows == [
        (number, tick, names[event], moot) for number, steps in enumerate(log(ensemble.process, 7, 0, MANY)) for tick, event, moot in steps
    ]
    assert [moment.replace(tzinfo=None) for moment in table["time"].to_pylist()] == [
        period.moment(tick).replace(tzinfo=None) for _, tick, _, _ in rows
    ]
    told = package.load(FLAGSHIP).simulate(MANY, 7, intervention="no_retaliation").events()
    moot = [event for event, moot in zip(told["event"].to_pylist(), told["moot"].to_pylist(), strict=True) if moot]
    assert set(moot) == {"pakistani_strikes"}


def test_an_event_log_that_breaks_off_leaves_nothing(escsim: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ensembles, "CHUNK", 100)
    batches = package.Ensemble.event_batches

    def broken(self: Any, *args: Any) -> Iterator[Any]:
        whole = batches(self, *args)
        yield from (next(whole), next(whole))
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(package.Ensemble, "event_batches", broken)
    done = escsim("simulate", FLAGSHIP, "-n", MANY, "--events", "log.parquet")
    assert (done.code, done.err) == (1, "escsim: error: No space left on device: log.parquet\n")
    assert list(tmp_path.iterdir()) == []


def test_a_result_that_cannot_be_written_is_told_all_the_same(escsim: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    done = escsim("simulate", FLAGSHIP, "-n", MANY, "-o", "file/a.json")
    assert done.code == 1
    assert "What became of each event" in done.out
    assert done.err.startswith("escsim: error: ")


# Ctrl-C and kill -9


@contextmanager
def pressing(monkeypatch: pytest.MonkeyPatch, after: int = 2, times: int = 1) -> Iterator[None]:
    """Press Ctrl-C after some of many parts."""

    def run(*args: Any, **more: Any) -> Iterator[Any]:
        for place, part in enumerate(running.run(*args, **more)):
            for _ in range(times * (place == after)):
                signal.raise_signal(signal.SIGINT)
            yield part

    with monkeypatch.context() as context:
        context.setattr(ensembles, "CHUNK", 100)
        context.setattr(ensembles, "run", run)
        yield


def test_ctrl_c_prints_what_is_done_and_says_so(escsim: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with pressing(monkeypatch):
        done = escsim("simulate", FLAGSHIP, "-n", "1000", "--json", "-q")
        table = escsim("simulate", FLAGSHIP, "-n", "1000")
    for each in (done, table):
        assert (each.code, each.err) == (130, "interrupted: 300 of 1,000 variants\n")
    data = json.loads(done.out)
    assert (data["n"], data.pop("wanted")) == (300, 1000)
    ensemble = package.load(FLAGSHIP).simulate(300)
    assert data == results.to_dict(ensemble, ensemble.answers())
    assert "Iran and Pakistan, January 2024: 300 variants of 1,000 asked for, seed" in table.out


def test_ctrl_c_leaves_a_partial_result_and_the_same_command_makes_it_whole(escsim: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ensembles, "PART", 100)
    command = ("simulate", FLAGSHIP, "-n", "1000", "-o", "folder", "--events", "log.parquet")
    with pressing(monkeypatch):
        assert escsim(*command).code == 130
    partial = json.loads((tmp_path / "folder/simulate.json").read_bytes())
    assert (partial["n"], partial["wanted"]) == (partial["provenance"]["n"], partial["provenance"]["wanted"]) == (300, 1000)
    assert not (tmp_path / "log.parquet").exists()
    assert escsim(*command).code == 0
    whole = tree(tmp_path)
    assert len(whole) == 12
    (tmp_path / "folder").rename(tmp_path / "before")
    (tmp_path / "log.parquet").unlink()
    assert escsim(*command).code == 0
    assert {name: data for name, data in tree(tmp_path).items() if not name.startswith("before")} == whole


@pytest.mark.parametrize(("after", "times"), [(0, 1), (2, 2)])
def test_ctrl_c_before_anything_is_done_or_again_ends_the_program(escsim: Run, monkeypatch: pytest.MonkeyPatch, after: int, times: int) -> None:
    with pressing(monkeypatch, after, times):
        done = escsim("simulate", FLAGSHIP, "-n", "1000")
    assert (done.code, done.out, done.err.strip()) == (130, "", "interrupted")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.slow
def test_after_kill_9_the_same_command_does_the_rest_and_gives_the_same_bytes(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "escsim", "simulate", FLAGSHIP, "-n", "700000", "--threads", "1", "-o", "folder", "--events", "log.parquet"]
    for name in ("killed", "whole"):
        (tmp_path / name).mkdir()
    kept = tmp_path / "killed" / "folder" / "parts"
    with subprocess.Popen(command, cwd=tmp_path / "killed", env=environment(), stdout=subprocess.DEVNULL) as running_:
        while len(list(kept.rglob("*.npz"))) < 2:
            assert running_.poll() is None
            time.sleep(0.05)
        running_.send_signal(signal.SIGKILL)
    before = {path: path.stat().st_mtime_ns for path in kept.rglob("*.npz")}
    assert 2 <= len(before) < 7
    assert [*(tmp_path / "killed").iterdir()] == [tmp_path / "killed/folder"]
    assert [*(tmp_path / "killed/folder").iterdir()] == [kept]
    for name in ("killed", "whole"):
        subprocess.run(command, cwd=tmp_path / name, env=environment(), capture_output=True, timeout=300, check=True)
    assert {path: path.stat().st_mtime_ns for path in before} == before
    killed, whole = (tree(tmp_path / name) for name in ("killed", "whole"))
    assert killed.keys() == whole.keys()
    assert killed["folder/simulate.json"] == whole["folder/simulate.json"]
    assert killed["log.parquet"] == whole["log.parquet"]


@pytest.mark.slow
@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGINT])
def test_an_event_log_is_whole_or_not_there(tmp_path: Path, sign: signal.Signals) -> None:
    command = [sys.executable, "-m", "escsim", "simulate", FLAGSHIP, "-n", "400000", "--events", "log.parquet", "-q"]
    with subprocess.Popen(command, cwd=tmp_path, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running_:
        while not any(path.stat().st_size > 1_000_000 for path in tmp_path.iterdir()):
            assert running_.poll() is None
            time.sleep(0.02)
        running_.send_signal(sign)
    assert not (tmp_path / "log.parquet").exists()
    assert len(list(tmp_path.iterdir())) == (sign == signal.SIGKILL), "a hidden file that the next run sweeps away"
    assert subprocess.run([*command, "-n", "100"], cwd=tmp_path, env=environment(), capture_output=True, timeout=100, check=False).returncode == 0
    assert [path.name for path in tmp_path.iterdir()] == ["log.parquet"]
