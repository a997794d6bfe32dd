"""Ensembles: sums of single trajectories, which merge however they are cut, and the way back to each of them."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

import escsim
from escsim import ensemble as ensembles
from escsim.ensemble import log, simulate
from escsim.process import Process, compile_scenario
from escsim.scenario import Scenario
from tests import strategies
from tests.test_kernel import FIELDS, NAMED, SEED, STANDING, Counted, counted, fingerprint, named, reckoned, stepped

FLAGSHIP, PLAIN, LARGE = NAMED[0], NAMED[4], NAMED[5]
GENERATED = "126"  # six missions, a choice that repeats, joint causes, chances, hazards, and a what-if that forces: every fate comes about


# Sums


@pytest.mark.parametrize(("name", "changed"), [*((name, False) for name in (*NAMED, GENERATED)), *((name, True) for name in (*NAMED[:3], GENERATED))])
def test_an_ensemble_is_the_sum_of_its_trajectories_on_the_stepper(name: str, changed: bool) -> None:
    """A count that is missed, or made twice, where lanes are left and taken again."""
    scenario, n = named(name), 100
    intervention = next(iter(scenario.what_if.values())) if changed else None
    forced = set((intervention.force if intervention else None) or ())
    whole = simulate(scenario, n, seed=SEED, intervention=intervention)
    single = [reckoned(whole.trajectory(number), whole.process, forced) for number in range(n)]
    for field in FIELDS[:-1]:  # the trajectory does not tell how often choices were put
        expected = sum(each["total"][2] if field == "armings" else each[field] for each in single)
        np.testing.assert_array_equal(np.asarray(getattr(whole, field)), expected, err_msg=field)
    assert whole.counts.shape == (len(whole.units), len(scenario.ladder.statuses), len(whole.days))
    assert (whole.counts.sum(axis=1) == n).all()
    assert [sum(ticks) for ticks in whole.time] == [n * scenario.period.ticks] * len(whole.units)
    rows = whole.rows(0, n)
    for field in rows._fields:
        np.testing.assert_array_equal(getattr(rows, field), [each[f"row {field}"] for each in single], err_msg=field)


def test_ticks_add_up_beyond_64_bits() -> None:
    """A sum of ticks that overflows: 600 trajectories of 1,000 years are more than 2^64 microseconds."""
    text = (
        STANDING.replace("2024-01-01", "1990-01-01")
        .replace("2024-01-10", "2989-12-31")
        .replace("DELAY", "{exponential: {mean: 100000 days}}")
        .replace("MORE\n", "")
    )
    scenario = strategies.load(text.replace('[go, low, "="]', "[go, low, high]").replace('[up, high, "="]', "[go, high, low]"))
    whole = simulate(scenario, 600, seed=SEED, threads=2)
    assert sum(whole.time[0]) == 600 * scenario.period.ticks > 2**64
    single = whole.rows(0, 600).time.astype(object).sum(axis=0)  # of Python's integers
    assert whole.time == single.tolist()
    assert 0 < whole.time[0][1] < whole.time[0][0]


# Cut in any way


def pieces(process: Process, cuts: list[int]) -> dict[str, Any]:
    """Run trajectories in pieces, and add up."""
    parts = [counted(ensembles._run(process, SEED, start, end - start), process) for start, end in pairwise(cuts)]
    return {name: sum(part[name] for part in parts) for name in parts[0]}


@pytest.mark.parametrize("name", [FLAGSHIP, PLAIN, LARGE, GENERATED])
def test_pieces_of_any_size_add_up_to_the_same(name: str) -> None:
    """What a trajectory owes to the lane it runs in, or to those beside it."""
    process = compile_scenario(named(name))
    whole, n = pieces(process, [0, 1100]), 1100
    for size in (1, 7, 1000):
        for field, total in pieces(process, [*range(0, n, size), n]).items():
            np.testing.assert_array_equal(total, whole[field], err_msg=f"{field}, in pieces of {size}")


@pytest.mark.parametrize("name", [FLAGSHIP, PLAIN, LARGE, GENERATED])
def test_threads_do_not_matter(name: str) -> None:
    """A part that is added twice or lost, and anything that threads share."""
    scenario = named(name)
    assert len({fingerprint(scenario, 5000, threads) for threads in (1, 2, 4)}) == 1


def test_pieces_end_at_multiples_of_2_to_the_32() -> None:
    assert list(ensembles._chunks(0, 10, 4)) == [(0, 4), (4, 4), (8, 2)]
    assert list(ensembles._chunks(2**32 - 3, 10, 4)) == [(2**32 - 3, 3), (2**32, 1), (2**32 + 1, 4), (2**32 + 5, 2)]
    assert list(ensembles._chunks(2**33, 5, 5)) == [(2**33, 5)]
    assert list(ensembles._chunks(5, 1, 50)) == [(5, 1)]


@pytest.mark.parametrize("name", [FLAGSHIP, PLAIN])
@pytest.mark.parametrize("seed", [0, 2**64 - 1])
def test_rows_across_2_to_the_32_are_those_of_the_stepper(name: str, seed: int) -> None:
    """A number of a trajectory that loses its high half within a run."""
    scenario, first = named(name), 2**32 - 3
    whole = simulate(scenario, 1, seed=seed)
    rows = whole.rows(first, 6)
    for place in range(6):
        trajectory = stepped(scenario, Counted(scenario, whole.process, seed, first + place), None)
        assert trajectory is not None
        expected = reckoned(trajectory, whole.process, set())
        for field in rows._fields:
            np.testing.assert_array_equal(getattr(rows, field)[place], expected[f"row {field}"], err_msg=field)


def test_firings_across_2_to_the_32_are_those_of_each_trajectory() -> None:
    process, first = compile_scenario(escsim.load(FLAGSHIP)), 2**32 - 3
    assert log(process, SEED, first, 6) == [log(process, SEED, first + place, 1)[0] for place in range(6)]


# Single trajectories


@pytest.mark.parametrize("name", [FLAGSHIP, PLAIN])
def test_a_trajectory_run_again_is_the_one_that_was_counted(name: str) -> None:
    whole = simulate(named(name), 30, seed=SEED)
    told = log(whole.process, SEED, 0, 30, size=10)  # too small at first
    for number in (0, 1, 29):
        trajectory = whole.trajectory(number)
        assert trajectory.draws == f"seed {SEED}, trajectory {number}"
        assert told[number] == [(step.tick, whole.scenario.order[step.event], step.moot) for step in trajectory.steps]
        assert told[number] == log(whole.process, SEED, number, 1)[0]
    assert len({str(each) for each in told}) > 10
    for number in (-1, 30, 2**40):
        with pytest.raises(IndexError, match="numbered 0 to 29"):
            whole.trajectory(number)


def test_a_trajectory_under_a_what_if_is_run_again_under_it() -> None:
    scenario = escsim.load(FLAGSHIP)
    intervention = next(each for each in scenario.what_if.values() if each.remove)
    whole = simulate(scenario, 50, seed=SEED, intervention=intervention)
    moot = [step.event for number in range(50) for step in whole.trajectory(number).steps if step.moot]
    assert set(intervention.remove or ()) & set(moot)
    assert all(whole.fates[0, scenario.order[event]] == 0 for event in intervention.remove or ())


# Asked for wrongly, and without end


@pytest.mark.parametrize(("n", "seed"), [(0, 1), (-5, 1), (10, -1), (10, 2**64)])
def test_numbers_out_of_range_are_refused(n: int, seed: int) -> None:
    with pytest.raises(ValueError, match=r"1 to 10,000,000,000 trajectories, and a seed from 0 to 2\^64 - 1"):
        simulate(escsim.load(PLAIN), n, seed=seed)


def test_runs_and_seed_are_those_of_the_file_if_not_given() -> None:
    scenario = strategies.load(STANDING.replace("DELAY", "1 day").replace("MORE", "variants: {runs: 17, seed: 12}"))
    whole = simulate(scenario)
    assert (whole.n, whole.seed) == (17, 12)
    assert simulate(scenario, 3, seed=0).seed == 0
    assert scenario.simulate().armings == whole.armings


def endless(chance: float) -> Scenario:
    again = "  - {id: round, actor: AAA, action: protest, repeats: true, follows: [late, round], delay: 0 days}"
    late = f"  - {{id: late, actor: AAA, action: protest, delay: 5 days, probability: {chance}}}\n"
    return strategies.load(STANDING.replace("DELAY", "1 day").replace("MORE", late + again))


@pytest.mark.parametrize("threads", [1, 4])
def test_a_run_without_end_is_told_with_seed_trajectory_events_and_place(threads: int) -> None:
    """A silent cut, or the number of another trajectory than the one that does not end."""
    scenario = endless(0.002)
    with pytest.raises(escsim.ScenarioError) as error:
        simulate(scenario, 6000, seed=SEED, threads=threads)
    problem = error.value.problems[0]
    assert problem.place == scenario.event_place("round")
    assert problem.message.startswith(f"10,000 firings in one run (seed {SEED}, trajectory ")
    assert problem.message.endswith("; the last: round, round, round, round, round, round")
    number = int(problem.message.split("trajectory ")[1].split(")")[0])
    assert number > 0
    process = compile_scenario(scenario)
    assert stepped(scenario, Counted(scenario, process, SEED, number), None) is None
    with pytest.raises(ensembles._RunawayError):
        ensembles._run(process, SEED, number, 1)
    ensembles._run(process, SEED, number + 1, 1)


def test_beyond_2_to_the_32_the_right_trajectory_is_named() -> None:
    scenario = endless(1)
    with pytest.raises(ensembles._RunawayError) as error:
        ensembles._run(compile_scenario(scenario), SEED, 2**32 + 5, 1)
    assert error.value.trajectory == 2**32 + 5


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_progress_rises_to_the_end(threads: int) -> None:
    told: list[int] = []
    simulate(escsim.load(PLAIN), 12_345, seed=1, threads=threads, progress=told.append)
    assert told[-1] == 12_345
    assert len(told) == threads
    assert all(before < after for before, after in pairwise(told))


def test_a_wrong_name_is_answered_with_the_right_one() -> None:
    ensemble = escsim.load("iran-pakistan-2024").simulate(10)
    assert repr(ensemble) == "<Ensemble of iran-pakistan-2024: 10 variants, seed 20240116>"
    for call, told in [
        (lambda: ensemble.share("IRN-PAK", "normal", "2024-03-31"), "there is no mission or pair 'IRN-PAK': did you mean 'IRN->PAK'?"),
        (lambda: ensemble.share("PAK-IRN", "norml", "2024-03-31"), "there is no status 'norml': did you mean 'normal'?"),
        (lambda: ensemble.share("PAK-IRN", "normal", "2024-04-31"), "there is no day '2024-04-31': did you mean '2024-03-31'?"),
        (lambda: ensemble.fate("recal"), "there is no event 'recal': did you mean 'recall'?"),
        (lambda: ensemble.scenario.simulate(10, intervention="no_retaliaton"), "there is no what-if 'no_retaliaton': did you mean 'no_retaliation'?"),
        (lambda: ensemble.scenario.simulate(10**10 + 1), "there must be 1 to 10,000,000,000 trajectories, and a seed from 0 to 2^64 - 1"),
    ]:
        with pytest.raises(ValueError, match="there") as caught:
            call()
        assert str(caught.value) == told


def test_a_what_if_goes_by_its_name_too() -> None:
    scenario = escsim.load("iran-pakistan-2024")
    one, other = (scenario.simulate(100, intervention=each) for each in ("no_retaliation", scenario.what_if["no_retaliation"]))
    assert one.intervention == other.intervention
    assert np.array_equal(one.counts, other.counts)


REASONS = """\
title: Reasons
actors: {AAA: A, BBB: B}
ladder: simple
period: {from: 2024-01-01, to: 2024-01-31}
events:
  - {id: sever, actor: BBB, target: AAA, action: sever_relations, delay: 20 days}
  - {id: refused_then_shut, actor: AAA, target: BBB, action: recall_envoy, while: {AAA->BBB: normal}, probability: 0, delay: 1 day}
  - {id: talk, actor: AAA, action: protest, delay: 2 days}
  - {id: refused_then_barred, actor: AAA, action: condemn, unless: talk, probability: 0, delay: 1 day}
  - {id: late_talk, actor: AAA, action: protest, delay: 3 days}
  - {id: barred_then_called, actor: BBB, action: condemn, follows: late_talk, unless: talk, delay: 1 day}
  - {id: barred_and_not_called, actor: BBB, action: condemn, follows: refused_then_shut, unless: talk, delay: 1 day}
  - {id: shut_from_the_start, actor: AAA, target: BBB, action: return_envoy, while: {AAA->BBB: envoys_recalled}, delay: 1 day}
"""


def test_table_and_trajectory_give_the_same_reason_for_what_did_not_happen() -> None:
    """A newcomer found 'cancelled' for what chance had refused, and 'never called' for what was barred when it was called."""
    ensemble = strategies.load(REASONS, "reasons").simulate(50)
    fates = ensemble.trajectory(0).fates
    told = {event: next((fate for fate, share in ensemble.fate(event).items() if share.estimate), "never called") for event in fates}
    assert told == {
        "refused_then_shut": "chance",
        "refused_then_barred": "chance",
        "barred_then_called": "cancelled",
        "barred_and_not_called": "never called",
        "shut_from_the_start": "cancelled",
    }
    assert fates == {
        "refused_then_shut": "Chance said no.",
        "refused_then_barred": "Chance said no.",
        "barred_then_called": "Barred once talk had happened.",
        "barred_and_not_called": "Never called: refused_then_shut did not happen.",
        "shut_from_the_start": "Called, but its gate was shut: AAA->BBB was severed, not envoys_recalled.",
    }


@pytest.mark.parametrize("n", [63, 64, 65, 128])
def test_a_full_batch_of_closed_trajectories_is_added_up_once(n: int) -> None:
    """The kernel adds trajectories up 64 at a time, and what is left at the end: there may be nothing left."""
    scenario = escsim.load("iran-pakistan-2024")
    ensemble = simulate(scenario, n, threads=1)
    for unit, status in enumerate(scenario.initial.values()):  # time passes in the status in which a mission starts
        assert ensemble.first[unit, scenario.ladder.severity[status]].sum() == n
    assert ensemble.peak.sum(axis=1).tolist() == [n] * len(ensemble.units)
    rows = ensemble.rows(0, n)
    assert ensemble.time == rows.time.sum(axis=0).tolist()
    assert ensemble.fates[0].tolist() == (rows.happened > 0).sum(axis=0).tolist()
