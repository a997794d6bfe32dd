"""The variants against mathematics: exact Markov chains, and quadrature where clocks remember. 4.89: once in a million."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats
from scipy.integrate import quad

import escsim
from escsim import exact
from escsim.ensemble import simulate
from escsim.times import TICKS_A_DAY
from tests import strategies

HEAD = "actors: {AAA: A, BBB: B}\nladder: simple\nperiod: {from: 2024-01-01, to: 2024-01-30}\nevents:\n"
TWO_MISSIONS = (
    "title: Two missions\n"
    + HEAD
    + """\
  - {id: recall, actor: AAA, target: BBB, action: recall_envoy, repeats: true, while: {AAA->BBB: [normal, restored]},
     delay: {exponential: {mean: 5 days}}}
  - {id: answer, actor: BBB, target: AAA, action: recall_envoy, repeats: true, probability: 0.6,
     while: {AAA->BBB: envoys_recalled, BBB->AAA: [normal, restored]}, delay: {exponential: {mean: 2 days}}}
  - {id: back, actor: AAA, target: BBB, action: return_envoy, repeats: true, while: {AAA->BBB: envoys_recalled}, delay: {exponential: {mean: 4 days}}}
  - {id: back_too, actor: BBB, target: AAA, action: return_envoy, repeats: true,
     while: {BBB->AAA: envoys_recalled, AAA->BBB: restored}, delay: {exponential: {mean: 3 days}}}
  - {id: break, actor: BBB, target: AAA, action: sever_relations, repeats: true,
     while: {AAA->BBB: envoys_recalled, BBB->AAA: envoys_recalled}, delay: {exponential: {mean: 40 days}}}
"""
)
FLAGS = (
    "title: What has happened counts\n"
    + HEAD
    + """\
  - {id: strike, actor: AAA, target: BBB, action: strike, delay: {exponential: {mean: 3 days}}}
  - {id: protest, actor: BBB, target: AAA, action: protest, delay: {exponential: {mean: 4 days}}}
  - {id: recall, actor: BBB, target: AAA, action: recall_envoy, follows: {all: [strike, protest]}, unless: talk, delay: {exponential: {mean: 2 days}}}
  - {id: talk, actor: AAA, target: BBB, action: phone_call, follows: strike, probability: 0.7, delay: {exponential: {mean: 5 days}}}
  - {id: downgrade, actor: BBB, target: AAA, action: downgrade_relations, delay: {exponential: {mean: 3 days}}}
  - {id: words, actor: BBB, target: AAA, action: condemn, delay: {exponential: {mean: 1 day}}}
  - {id: back, actor: BBB, target: AAA, action: return_envoy, follows: [talk, recall],
     while: {BBB->AAA: envoys_recalled}, delay: {exponential: {mean: 6 days}}}
choices:
  reply: {actor: BBB, question: What now?, follows: talk, options: {downgrade: 0.3, words: 0.5, nothing: 0.2}}
"""
)
CHAINS = {"w1": (Path(__file__).parent / "benchmarks" / "w1.yaml").read_text("utf-8"), "two missions": TWO_MISSIONS, "flags": FLAGS}


def largest_z(counts: NDArray[np.int64], p: NDArray[np.float64], n: int) -> float:
    """Give the largest distance in standard errors, over the cells in which it is near enough to normal."""
    assert ((p > 1e-12) | (counts == 0)).all(), "something happens that cannot"
    assert ((p < 1 - 1e-12) | (counts == n)).all(), "something does not happen that must"
    fit = (n * p > 50) & (n * (1 - p) > 50)
    assert fit.any()
    return float(np.max(np.abs(counts[fit] - n * p[fit]) / np.sqrt(n * p[fit] * (1 - p[fit]))))


def chain(name: str, n: int, seed: int) -> None:
    scenario = strategies.load(CHAINS[name], name.replace(" ", "_"))
    solved = exact.solve(scenario)
    ensemble = simulate(scenario, n, seed=seed)
    assert largest_z(ensemble.counts, solved.occupancy, n) < 4.89
    reached = np.cumsum(ensemble.first[:, :, :-1], axis=2)
    for u, unit in enumerate(solved.units):
        for s, status in enumerate(solved.statuses):
            p = solved.first_passage(unit, status)
            if 0 < p[-1] < 1 - 1e-9:
                assert largest_z(reached[u, s], p, n) < 4.89, (unit, status)
    days = np.array(ensemble.time, float) / TICKS_A_DAY / n
    np.testing.assert_allclose(days, solved.time, atol=6 * len(ensemble.days) / np.sqrt(n))


@pytest.mark.parametrize("name", CHAINS)
def test_a_sampled_chain_agrees_with_the_exact_one(name: str) -> None:
    chain(name, 200_000, seed=11)


@pytest.mark.slow
@pytest.mark.parametrize("name", CHAINS)
def test_twenty_million_trajectories_agree_with_the_exact_chain(name: str) -> None:
    chain(name, 20_000_000, seed=12)


CLOCKS = [
    ("weibull: {shape: 1.5, scale: 5 days}", stats.weibull_min(1.5, scale=5), "lognormal: {median: 4 days, sigma: 0.5}", stats.lognorm(0.5, scale=4)),
    ("gamma: {shape: 0.4, mean: 6 days}", stats.gamma(0.4, scale=15), "uniform: {low: 2 days, high: 9 days}", stats.uniform(2, 7)),
    ("triangular: {low: 1 day, mode: 2 days, high: 8 days}", stats.triang(1 / 7, 1, 7), "lognormal: {q10: 1 day, q90: 9 days}", None),
]


@pytest.mark.parametrize(("first", "law_1", "second", "law_2"), CLOCKS, ids=range(len(CLOCKS)))
def test_clocks_that_remember_agree_with_quadrature(first: str, law_1: stats.rv_continuous, second: str, law_2: stats.rv_continuous | None) -> None:
    """One step after another, the second with chance 0.8: P(back by t) = 0.8 integral of f1(s) F2(t - s) ds."""
    if law_2 is None:
        z = stats.norm.ppf(0.9)
        law_2 = stats.lognorm(np.log(9) / (2 * z), scale=3)
    text = f"title: Two steps\n{HEAD}  - {{id: away, actor: AAA, target: BBB, action: recall_envoy, delay: {{{first}}}}}\n"
    text += f"  - {{id: back, actor: AAA, target: BBB, action: return_envoy, follows: away, probability: 0.8, delay: {{{second}}}}}\n"
    n = 400_000
    ensemble = simulate(strategies.load(text, "steps"), n, seed=5)
    reached = np.cumsum(ensemble.first[0, :, :-1], axis=1)
    severity = ensemble.scenario.ladder.severity
    days = np.arange(1, len(ensemble.days) + 1)
    away = law_1.cdf(days)
    back = np.array([0.8 * quad(lambda p, t=t: law_2.cdf(t - law_1.ppf(p)), 0, law_1.cdf(t), limit=200, epsabs=1e-7)[0] for t in days])
    assert largest_z(reached[severity["envoys_recalled"]], away, n) < 4.89
    assert largest_z(reached[severity["restored"]], back, n) < 4.89


def test_another_seed_gives_other_worlds_with_the_same_odds() -> None:
    scenario = escsim.load("iran-pakistan-2024")
    one, other = (simulate(scenario, 100_000, seed=seed) for seed in (1, 2))
    assert not np.array_equal(one.counts, other.counts)
    p = (one.fates + other.fates) / 200_000
    spread = np.sqrt(np.maximum(2 * 100_000 * p * (1 - p), 1))
    assert (np.abs(one.fates - other.fates) / spread).max() < 4.89
