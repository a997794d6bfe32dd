"""Work done block by block: in order, in parts that are kept, stopped half-way, and on a cluster that loses a worker."""

from __future__ import annotations

import os
import pickle
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import escsim as package
from escsim import ensemble as ensembles
from escsim.ensemble import Ensemble, simulate
from escsim.process import compile_scenario
from escsim.running import Folder, Sums, run
from tests import strategies
from tests.conftest import Told
from tests.test_ensemble import endless
from tests.test_kernel import FIELDS, STANDING

FLAGSHIP = "iran-pakistan-2024"


def same(one: Ensemble, other: Ensemble) -> bool:
    """Say whether two ensembles count the same, and answer the same."""
    fields = all(np.array_equal(np.asarray(getattr(one, name)), np.asarray(getattr(other, name))) for name in FIELDS)
    return fields and one.n == other.n and one.answers() == other.answers()


# Blocks


def test_blocks_come_in_their_order_whichever_is_done_first() -> None:
    def work(first: int, n: int) -> int:
        time.sleep(0.02 * (first % 3 == 0))
        return first * n

    assert list(run(work, [(first, 2) for first in range(20)], threads=3)) == [(2, 2 * first) for first in range(20)]


def test_no_block_is_begun_long_before_it_is_wanted() -> None:
    """A run over many blocks that holds them all in memory."""
    begun: list[int] = []
    blocks = run(lambda first, _: begun.append(first), [(first, 1) for first in range(100)], threads=2)
    next(blocks)
    blocks.close()
    assert len(begun) <= 4


def test_a_fault_in_a_block_is_raised_when_its_turn_comes() -> None:
    def work(first: int, n: int) -> int:
        return n // (first - 3)

    blocks = run(work, [(first, 1) for first in range(10)], threads=4)
    assert [next(blocks)[0] for _ in range(3)] == [1, 1, 1]
    with pytest.raises(ZeroDivisionError):
        next(blocks)


def test_what_is_kept_is_not_done_again_unless_it_is_damaged(tmp_path: Path) -> None:
    done: list[int] = []

    def work(first: int, n: int) -> Sums:
        done.append(first)
        return {"numbers": np.arange(first, first + n), "none": np.zeros(0, np.int64)}

    blocks = [(0, 5), (5, 5), (10, 2)]
    whole = [part for _, part in run(work, blocks, threads=1, folder=Folder(tmp_path))]
    assert sorted(done) == [0, 5, 10]
    damaged = tmp_path / "5-9.npz"
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"x")
    again = [part for _, part in run(work, blocks, threads=1, folder=Folder(tmp_path))]
    assert done[3:] == [5]
    for one, other in zip(whole, again, strict=True):
        assert one.keys() == other.keys()
        assert all(np.array_equal(one[name], other[name]) for name in one)


# Ensembles in parts


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Make parts small, and tell the first trajectory of each that is run."""
    monkeypatch.setattr(ensembles, "PART", 1000)
    began: list[int] = []
    count = ensembles._Count.__call__

    def counted(self: Any, first: int, n: int) -> Sums:
        began.append(first)
        return count(self, first, n)

    monkeypatch.setattr(ensembles._Count, "__call__", counted)
    return began


def test_a_run_goes_on_where_another_ended(tmp_path: Path, parts: list[int]) -> None:
    """Parts of another seed, what-if or set of questions taken for one's own, or one added twice."""
    scenario = package.load(FLAGSHIP)
    asked = scenario.questions
    first = simulate(scenario, 2500, asked=asked, folder=tmp_path)
    assert sorted(parts) == [0, 1000, 2000]
    more = simulate(scenario, 3700, asked=asked, folder=tmp_path)
    assert sorted(parts[3:]) == [2000, 3000], "the short one at the end is none of a longer run"
    del parts[:]
    assert same(more, simulate(scenario, 3700, asked=asked, folder=tmp_path, threads=1))
    assert parts == []
    assert same(first, simulate(scenario, 2500))
    assert same(more, simulate(scenario, 3700))
    others: list[dict[str, Any]] = [{"seed": 1}, {"intervention": "no_retaliation"}, {"asked": {"one": asked["severed"]}}, {}]
    for other in others:
        del parts[:]
        found = simulate(scenario, 2000, folder=tmp_path, **{"asked": asked, **other} if other else {})
        assert sorted(parts) == [0, 1000], other
        other.pop("asked", None)
        assert same(found, simulate(scenario, 2000, **other))


def test_parts_of_another_version_or_file_are_left_alone(tmp_path: Path, parts: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    text = STANDING.replace("DELAY", "1 day").replace("MORE\n", "")
    simulate(strategies.load(text), 1000, folder=tmp_path)
    simulate(strategies.load(text + "limits: [None.]\n"), 1000, folder=tmp_path)
    monkeypatch.setattr(ensembles._Count.__init__, "__defaults__", ("0.0.0",))
    with pytest.raises(ImportError, match=r"escsim 0\.0\.0 is asked for"):
        simulate(strategies.load(text), 1000, folder=tmp_path)
    assert parts == [0, 0, 0]
    assert len(list(tmp_path.iterdir())) == 2


def test_a_stopped_run_is_a_shorter_one(monkeypatch: pytest.MonkeyPatch) -> None:
    scenario = package.load(FLAGSHIP)
    stops: Iterator[bool] = iter([False, False, True])
    monkeypatch.setattr(ensembles, "CHUNK", 1000)
    stopped = simulate(scenario, 10_000, asked=scenario.questions, threads=2, stop=lambda: next(stops))
    assert (stopped.n, stopped.wanted) == (3000, 10_000)
    assert same(stopped, simulate(scenario, 3000))
    assert stopped.to_dict() == {**simulate(scenario, 3000).to_dict(), "wanted": 10_000}


def test_questions_counted_at_once_are_answered_without_running_again(parts: list[int]) -> None:
    scenario = package.load(FLAGSHIP)
    asked = dict(list(scenario.questions.items())[:4])
    whole = simulate(scenario, 3000, asked=asked)
    del parts[:]
    few = whole.answers(asked)
    assert parts == []
    every = whole.answers()
    assert parts == [0]
    assert every == simulate(scenario, 3000).answers()
    assert few == {name: every[name] for name in asked}


def test_counting_survives_the_way_to_another_machine() -> None:
    scenario = package.load(FLAGSHIP)
    count = ensembles._Count(scenario, compile_scenario(scenario), 7, tuple(scenario.questions.values()))
    there = pickle.loads(pickle.dumps(count))
    used = pickle.loads(pickle.dumps(count))
    assert count.key == there.key
    ours = count(0, 500)
    assert pickle.loads(pickle.dumps(count)).key == count.key, "when it has been used, too"
    for theirs in (there(0, 500), used(0, 500)):
        assert all(np.array_equal(ours[name], theirs[name]) for name in ours)
    assert (there.scenario.hash, there.scenario.text, there.scenario.name) == (scenario.hash, scenario.text, scenario.name)


def test_a_run_without_end_is_told_from_a_folder_too(tmp_path: Path, parts: list[int]) -> None:
    with pytest.raises(package.ScenarioError, match="10,000 firings in one run"):
        simulate(endless(0.002), 6000, seed=1, folder=tmp_path)


def test_ticks_of_a_part_add_up_beyond_64_bits(tmp_path: Path) -> None:
    text = STANDING.replace("2024-01-01", "1990-01-01").replace("2024-01-10", "2989-12-31")
    scenario = strategies.load(text.replace("DELAY", "{exponential: {mean: 100000 days}}").replace("MORE\n", ""))
    for _ in range(2):
        assert sum(simulate(scenario, 1300, folder=tmp_path).time[0]) == 1300 * scenario.period.ticks > 2**65


# A cluster


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # those of dask about itself
def test_a_cluster_that_loses_a_worker_gives_the_same_as_one_machine(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, escsim: Callable[..., Told]
) -> None:
    from distributed import Client, LocalCluster

    monkeypatch.setattr(ensembles, "PART", 10_000)
    scenario = package.load(FLAGSHIP)
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster) as client:
        workers = client.run(os.getpid)
        told: list[int] = []

        def progress(done: int) -> None:
            told.append(done)
            if len(told) == 6:
                os.kill(next(iter(workers.values())), signal.SIGKILL)

        found = scenario.simulate(300_000, asked=scenario.questions, client=client, folder=tmp_path, progress=progress)
        assert told[-1] == 300_000
        assert set(workers.values()) != set(client.run(os.getpid).values()), "one is new"
        here = scenario.simulate(300_000)
        assert same(found, here)
        one = {"severed": scenario.questions["severed"]}
        assert here.answers(one, client=client) == here.answers(one)
        command = ("simulate", FLAGSHIP, "-n", 25_000, "--json")
        assert escsim(*command, "--cluster", cluster.scheduler_address) == escsim(*command)
