"""The exact solver: against generators written by hand, closed forms, and the chain that the readable stepper spans."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from scipy.linalg import expm

import escsim
from escsim.exact import Exact, beside, solve
from escsim.process import pairs_of, threshold
from escsim.scenario import Choice, Event, Intervention, Scenario, missions_of
from escsim.stepper import Run, State
from tests import strategies
from tests.conftest import ROOT

HEAD = """\
title: T
actors: {NOR: North, SOU: South}
period: {from: 2024-01-01, to: 2024-01-20}
ladder:
  machine:
    states: [normal, restored, recalled, severed]
    initial: normal
    transitions:
      - {trigger: recall, source: [normal, restored], dest: recalled}
      - {trigger: mend, source: recalled, dest: restored}
      - {trigger: sever, source: [normal, restored, recalled], dest: severed}
  moves: {sever: both}
"""


def text(*events: str, more: str = "") -> str:
    """Write a scenario; an event is `id actor action mean-in-hours, more keys`."""
    lines = []
    for event in events:
        first, _, rest = event.partition(", ")
        name, actor, action, *mean = first.split()
        delay = f", delay: {{exponential: {{mean: {mean[0]} hours}}}}" if mean else ""
        target = {"NOR": "SOU", "SOU": "NOR"}[actor]
        lines.append(f"  - {{id: {name}, actor: {actor}, target: {target}, action: {action}{delay}{', ' if rest else ''}{rest}}}\n")
    return HEAD + "events:\n" + "".join(lines) + more


def solved(*events: str, more: str = "", change: dict[str, Any] | None = None) -> Exact:
    found = solve(strategies.load(text(*events, more=more)), Intervention.model_validate(change) if change else None)
    np.testing.assert_allclose(found.occupancy.sum(axis=1), 1.0, rtol=0, atol=1e-12)
    np.testing.assert_allclose(found.time.sum(axis=1), len(found.days), rtol=0, atol=1e-11)
    return found


def generator(states: int, flows: dict[tuple[int, int], float]) -> np.ndarray:
    """Give the matrix of rates a day, rows to columns, from rates by hand."""
    q = np.zeros((states, states))
    for (one, other), rate in flows.items():
        q[one, other] += rate
        q[one, one] -= rate
    return q


def close(found: Any, expected: Any, error: float = 1e-12) -> None:
    np.testing.assert_allclose(found, expected, rtol=0, atol=error)


DAYS = np.arange(1, 21.0)


# ---- W1

NORMAL, RESTORED, DOWNGRADED, RECALLED = range(4)
W1 = generator(
    4,
    {
        (NORMAL, DOWNGRADED): 0.2,
        (DOWNGRADED, RECALLED): 0.5,
        (DOWNGRADED, NORMAL): 0.1,
        (RECALLED, RESTORED): 0.25,
        (RECALLED, DOWNGRADED): 0.05,
        (RESTORED, NORMAL): 0.4,
        (RESTORED, DOWNGRADED): 0.05,
    },
)


@pytest.fixture(scope="module")
def w1() -> Exact:
    return solve(escsim.load(ROOT / "tests/benchmarks/w1.yaml"))


def test_w1_occupancy_is_the_exponential_of_its_generator(w1: Exact) -> None:
    # wrong rates, wrong time of day (start for end), series cut short
    assert w1.states == 4
    assert w1.units == ["NOR->SOU"]
    for day in (1, 2, 7, 30, 60):
        close(w1.occupancy[0, :, day - 1], expm(W1 * day)[NORMAL])
    close(w1.absorbed, 0.0)


def test_w1_expected_times_are_the_integral(w1: Exact) -> None:
    # weights of the integral off by a term or by the rate
    nodes, weights = np.polynomial.legendre.leggauss(60)
    expected = sum(weight * 30 * expm(W1 * (30 + 30 * node))[NORMAL] for node, weight in zip(nodes, weights, strict=True))
    close(w1.time[0], expected, 1e-10)
    close(w1.time.sum(), 60.0)


@pytest.mark.parametrize("status", [RESTORED, DOWNGRADED, RECALLED])
def test_w1_first_passage_is_the_arrival_in_an_absorbing_state(w1: Exact, status: int) -> None:
    # leaving the status again must not count against having reached it
    arrested = W1.copy()
    arrested[status] = 0.0
    found = w1.first_passage("NOR->SOU", w1.statuses[status])
    for day in (1, 2, 7, 30, 60):
        close(found[day - 1], expm(arrested * day)[NORMAL, status])


def test_plain_data_names_units_statuses_and_days(w1: Exact) -> None:
    data = w1.to_dict()
    assert list(data) == ["states", "days", "occupancy", "absorbed", "time", "first_passage"]
    assert (data["states"], data["days"][0], data["days"][-1], len(data["absorbed"])) == (4, "2024-01-01", "2024-02-29", 60)
    assert data["first_passage"]["NOR->SOU"]["normal"] == [1.0] * 60  # where it starts
    assert data["first_passage"]["NOR->SOU"]["restored"] == w1.first_passage("NOR->SOU", "restored").tolist()
    assert data["occupancy"]["NOR->SOU"]["downgraded"] == w1.occupancy[0, DOWNGRADED].tolist()
    assert data["time"]["NOR->SOU"]["normal"] == w1.time[0, NORMAL]
    with pytest.raises(ValueError, match="severe"):
        w1.first_passage("NOR->SOU", "severe")


# ---- closed forms


def test_of_two_racing_events_one_wins() -> None:
    # both firing: the loser must be moot, and the race is over only when its clock is, too
    found = solved("a NOR recall 48", "b NOR sever 24, while: {NOR->SOU: normal}")
    out = 1 - np.exp(-1.5 * DAYS)
    close(found.occupancy[0, 2], out / 3)
    close(found.occupancy[0, 3], 2 / 3 * out)
    moot = solved("a NOR recall 48, while: {NOR->SOU: normal}", "b NOR recall 24")
    close(moot.occupancy[0, 2], out)
    close(moot.absorbed, 1 - np.exp(-DAYS))  # b has no gate: it still runs after a, and is moot then


def test_three_followers_in_a_row_are_an_erlang_law() -> None:
    # a follower called when its cause is, not when it has happened
    found = solved("a NOR talks 24", "b SOU talks 24, follows: a", "c NOR recall 24, follows: b")
    assert found.states == 4
    erlang = 1 - np.exp(-DAYS) * (1 + DAYS + DAYS**2 / 2)
    close(found.occupancy[0, 2], erlang)
    close(found.absorbed, erlang)
    close(found.first_passage("NOR->SOU", "recalled"), erlang)


@pytest.mark.parametrize(("mean", "rate"), [("20 seconds", 4320), ("3 minutes", 480), ("30 minutes", 48), ("900 days", 1 / 900)])
def test_fast_and_slow_chains_are_followed_with_the_same_error(mean: str, rate: float) -> None:
    # long series, several days at a step that do not divide the period, the whole period in one step
    hazard = f"delay: {{exponential: {{mean: {mean}}}}}, repeats: true"
    found = solved(f"a NOR recall, {hazard}", f"b NOR mend, {hazard}")
    out = 1 - np.exp(-rate * DAYS)
    close(found.first_passage("NOR->SOU", "recalled"), out)
    q = generator(3, {(0, 2): rate, (1, 2): rate, (2, 1): rate})
    for day in (1, 8, 9, 20):
        close(found.occupancy[0, :3, day - 1], expm(q * day)[0], 1e-11)  # expm's own error grows with the rate
    close(found.time[0, 0], out[-1] / rate, 1e-11)


# ---- chance, gates, flags


def test_a_refused_arming_has_the_rest_of_the_probability() -> None:
    # the refusal forgotten, or its clock running on
    found = solved("a NOR recall 24, probability: 0.25")
    assert found.states == 3
    close(found.occupancy[0, 2], 0.25 * (1 - np.exp(-DAYS)))
    close(found.absorbed, 1 - 0.25 * np.exp(-DAYS))


def test_a_gate_that_shuts_and_opens_gives_another_chance() -> None:
    # a refusal kept while the gate is shut, or lost while it is open; armed again at every firing
    found = solved(
        "a NOR recall 24, repeats: true",
        "b NOR mend 12, repeats: true",
        "c NOR sever 6, repeats: true, while: {NOR->SOU: [normal, restored]}, probability: 0.25",
    )
    armed, refused, again, refused_again, recalled, severed = range(6)
    q = generator(
        6,
        {
            (armed, recalled): 1,
            (armed, severed): 4,
            (refused, recalled): 1,
            (again, recalled): 1,
            (again, severed): 4,
            (refused_again, recalled): 1,
            (recalled, again): 2 * 0.25,
            (recalled, refused_again): 2 * 0.75,
        },
    )
    assert found.states == 6
    line = np.array([0.25, 0.75, 0, 0, 0, 0])
    at = np.array([line @ expm(q * day) for day in DAYS])
    expected = np.array([at[:, armed] + at[:, refused], at[:, again] + at[:, refused_again], at[:, recalled], at[:, severed]])
    mission = found.units.index("NOR->SOU")
    close(found.occupancy[mission], expected)


@pytest.mark.parametrize("gate", ["", ", while: {NOR->SOU: normal}"])
def test_a_new_call_gives_a_refused_event_another_chance(gate: str) -> None:
    # refused for good; or a running clock drawn anew by each call
    found = solved("strike SOU talks 12, repeats: true", f"answer NOR recall 8, follows: strike, repeats: true, probability: 0.25{gate}")
    yes, done = 2 * 0.25, 3
    close(found.first_passage("NOR->SOU", "recalled"), 1 - (done * np.exp(-yes * DAYS) - yes * np.exp(-done * DAYS)) / (done - yes))


CHOICE = """\
choices:
  answer: {actor: SOU, question: What now?, follows: strike, repeats: true, options: {leave: 0.25, protest: 0.5, nothing: 0.25}}
"""
OPTIONS = ("strike NOR talks 12, repeats: true", "leave SOU recall 24", "protest SOU talks 48")


def test_a_choice_is_ignored_while_an_option_runs() -> None:
    # an option's clock beside another's; shares; `nothing` taken for an event
    found = solved(*OPTIONS, more=CHOICE)
    idle, leaving, protesting, gone, gone_leaving, gone_protesting = range(6)
    flows = {(leaving, gone): 1.0, (gone_leaving, gone): 1.0}
    for free, one, other in ((idle, leaving, protesting), (gone, gone_leaving, gone_protesting)):
        flows |= {(free, one): 2 * 0.25, (free, other): 2 * 0.5, (other, free): 0.5}
    q = generator(6, flows)
    assert found.states == 6
    close(found.occupancy[0, 2], [expm(q * day)[idle, gone:].sum() for day in DAYS])


def test_a_choice_that_is_given_takes_its_option() -> None:
    # the other options' shares kept
    found = solved(*OPTIONS, more=CHOICE, change={"choose": {"answer": "leave"}})
    close(found.occupancy[0, 2], 1 - (2 * np.exp(-DAYS) - np.exp(-2 * DAYS)))


def test_a_choice_that_does_not_repeat_is_put_once() -> None:
    found = solved(*OPTIONS, more=CHOICE.replace("repeats: true, ", ""))
    close(found.occupancy[0, 2], 0.25 * (1 - (2 * np.exp(-DAYS) - np.exp(-2 * DAYS))))


def test_gates_across_missions_and_flags_against_a_generator_by_hand() -> None:
    # `while` on two missions, `unless`, `all`, a probability, and a status shared by both, in one
    found = solved(
        "a NOR recall 24",
        "b SOU recall 48, follows: a, probability: 0.5",
        "talks NOR talks 12, follows: b, while: {NOR->SOU: recalled, SOU->NOR: recalled}",
        "mend NOR mend 8, follows: a",
        "cut SOU sever 6, follows: {all: [a, b]}, unless: talks",
    )
    # Start; a happened, then: b running or refused, mend running or over; b happened, mend running or over, the latter
    # before b (talks wait for ever) or after it; talks over, mend running or over; cut: with mend running or over, and
    # talks, whose gate is shut by then, waiting.
    names = "start run ref run_mended ref_mended both late talked calm cut cut_calm"
    start, run, ref, run_mended, ref_mended, both, late, talked, calm, cut, cut_calm = range(len(names.split()))
    q = generator(
        11,
        {
            (start, run): 0.5,
            (start, ref): 0.5,
            (run, both): 0.5,
            (run, run_mended): 3,
            (ref, ref_mended): 3,
            (run_mended, late): 0.5,
            (both, talked): 2,
            (both, late): 3,
            (both, cut): 4,
            (late, cut_calm): 4,
            (talked, calm): 3,
            (cut, cut_calm): 3,
        },
    )
    at = np.array([expm(q * day)[start] for day in DAYS])
    nor, sou, pair = (found.units.index(unit) for unit in ("NOR->SOU", "SOU->NOR", "NOR-SOU"))
    severed = at[:, [cut, cut_calm]].sum(axis=1)
    close(
        found.occupancy[nor],
        [at[:, start], at[:, [run_mended, ref_mended, late, calm]].sum(axis=1), at[:, [run, ref, both, talked]].sum(axis=1), severed],
    )
    close(found.occupancy[sou, 2], at[:, [both, late, talked, calm]].sum(axis=1))
    close(found.occupancy[pair, 2], at[:, [run, ref, both, late, talked, calm]].sum(axis=1))
    close(found.occupancy[pair, 3], severed)
    close(found.absorbed, at[:, [ref_mended, calm, cut_calm]].sum(axis=1))
    arrested = q.copy()
    arrested[[both, late, talked, calm, cut, cut_calm]] = 0
    close(found.first_passage("SOU->NOR", "recalled"), [expm(arrested * day)[start, [both, late]].sum() for day in DAYS])


def test_a_removed_event_fires_but_calls_nobody() -> None:
    found = solved("a NOR recall 24", "b SOU recall 24, follows: a", change={"remove": ["a"]})
    close(found.occupancy[:, 0], 1.0)
    close(found.absorbed, 1 - np.exp(-DAYS))


# ---- the chain that the readable stepper spans


class Script:
    """Draws that follow a list of answers, the first one where it ends; `asked` holds the probabilities of each question."""

    said = "script"
    refusal = "The script said no."

    def __init__(self) -> None:
        self.answers: list[int] = []
        self.asked: list[list[float]] = []

    def answer(self, weights: list[float]) -> int:
        self.asked.append(weights)
        if len(self.asked) > len(self.answers):
            self.answers.append(0)
        return self.answers[len(self.asked) - 1]

    def clock(self, event: Event, k: int, now: int, fired: Any) -> int | None:
        p = threshold(1.0 if event.probability is None else event.probability) / 2**32
        return 1 if [True, False][self.answer([p, 1 - p])] else None

    def option(self, name: str, choice: Choice, n: int, now: int, fired: Any) -> str:
        return list(choice.options)[self.answer(list(choice.options.values()))]

    def ways(self) -> Iterator[None]:
        """Take all lists of answers in turn."""
        self.answers = []
        while True:
            self.asked = []
            yield
            while self.answers and self.answers[-1] + 1 == len(self.asked[len(self.answers) - 1]):
                self.answers.pop()
            if not self.answers:
                return
            self.answers[-1] += 1

    @property
    def probability(self) -> float:
        return math.prod(weights[answer] for weights, answer in zip(self.asked, self.answers, strict=True))


class Spanned:
    """A chain found by firing every event of the readable stepper in every state it can be in, with nothing left out."""

    def __init__(self, scenario: Scenario, intervention: Intervention | None, most: int) -> None:
        self.scenario = scenario
        self.script = Script()
        self.run = Run(scenario, self.script, intervention or Intervention.model_construct())
        self.states: dict[Any, int] = {}
        flows: dict[tuple[int, int], float] = {}
        first = self.ended(None, None)
        self.states = {state: n for n, state in enumerate(first)}
        queue = list(first)
        self.over = []
        for place, state in enumerate(queue):
            clocks = [name for name, what in zip(scenario.order, state[1], strict=True) if what is State.RUNNING]
            self.over.append(not clocks)
            for name in clocks:
                delay = self.run.events[name].delay
                assert delay is not None
                rate = 86_400e6 / delay.exponential.mean.ticks  # type: ignore[union-attr]
                for after, p in self.ended(state, name).items():
                    if after not in self.states:
                        self.states[after] = len(queue)
                        queue.append(after)
                    if after != state:
                        key = place, self.states[after]
                        flows[key] = flows.get(key, 0.0) + rate * p
            if len(queue) > most:
                raise OverflowError
        self.start = np.array([*first.values()] + [0.0] * (len(queue) - len(first)))
        self.q = generator(len(queue), flows)
        severity = scenario.ladder.severity
        missions = np.array([[severity[status] for status in state[0]] for state in queue]).reshape(len(queue), -1)
        places = [[scenario.missions.index(mission) for mission in missions_of(pair)] for pair in pairs_of(scenario)]
        self.held = np.column_stack([missions, *(missions[:, place].max(axis=1) for place in places)])

    def ended(self, state: Any, name: str | None) -> dict[Any, float]:
        """Give the states after the firing of an event, or at tick 0."""
        run, events = self.run, list(self.scenario.order)
        found: dict[Any, float] = {}
        for _ in self.script.ways():
            statuses, states, happened, used, barred = state or (tuple(self.scenario.initial.values()), (State.IDLE,) * len(events), *[()] * 3)
            for mission, status in zip(self.scenario.missions, statuses, strict=True):
                run.models[mission].state = status
            run.state = dict(zip(events, states, strict=True))
            run.clock = {event: 1 for event, what in run.state.items() if what is State.RUNNING}
            run.happened, run.used, run.barred = set(happened), set(used), dict.fromkeys(barred, "")
            run.steps, run.notes = [], []
            if name is None:
                run.begin()
            else:
                run.fire(name)
            held = tuple(run.models[mission].state for mission in self.scenario.missions)
            after = held, tuple(run.state.values()), frozenset(run.happened), frozenset(run.used), frozenset(run.barred)
            if p := self.script.probability:
                found[after] = found.get(after, 0.0) + p
        return found


def exponential(number: int) -> Scenario:
    """Give a generated scenario with exponential delays and without dates."""
    dice = random.Random(number)
    data = strategies.scenario(strategies.Pick(dice.randrange), intervention=True)
    changed = data["what_if"]["w"]
    for event in [*data["events"], *changed.get("set", {}).values()]:
        event.pop("date", None)
        event["delay"] = {"exponential": {"mean": f"{dice.choice([6, 12, 24, 48, 96])} hours"}}
    for key in ("move", "force"):
        changed.pop(key, None)
    if not changed:
        del data["what_if"]
    return strategies.load(data)


@pytest.mark.parametrize(("numbers", "most"), [(range(40), 60), pytest.param(range(40, 220), 250, marks=pytest.mark.slow)])
def test_generated_scenarios_are_the_chains_that_the_stepper_spans(numbers: range, most: int) -> None:
    # any rule of section 4 read differently, and anything left out of a state that matters; a faster chain if it is smaller
    compared = 0
    for number in numbers:
        scenario = exponential(number)
        for intervention in (None, *scenario.what_if.values()):
            try:
                chain = Spanned(scenario, intervention, most)
            except OverflowError:
                continue
            found = solve(scenario, intervention)
            assert found.states <= len(chain.start)
            days, at = len(found.days), chain.start
            step = expm(chain.q)
            dice = random.Random(number)
            unit = dice.randrange(len(found.units)) if found.units else None
            status = dice.randrange(len(found.statuses))
            arrested, there = chain.q.copy(), np.zeros(len(at), bool)
            if unit is not None:
                there = chain.held[:, unit] == status
                arrested[there] = 0.0
            reached, passing, first = at, expm(arrested), np.zeros(days)
            if unit is not None:
                first = found.first_passage(found.units[unit], found.statuses[status])
            for day in range(days):
                at, reached = at @ step, reached @ passing
                for place in range(len(found.units)):
                    share = np.bincount(chain.held[:, place], at, len(found.statuses))
                    close(found.occupancy[place, :, day], share, 1e-8)  # shares of options are cut to 32 bits
                close(found.absorbed[day], at[chain.over].sum(), 1e-8)
                close(first[day], reached[there].sum(), 1e-8)
            compared += 1
    assert compared > len(numbers) / 2


# ---- what is refused


def problems(scenario: Scenario, change: dict[str, Any] | None = None, **more: int) -> list[str]:
    with pytest.raises(escsim.ScenarioError) as caught:
        solve(scenario, Intervention.model_validate(change) if change else None, **more)
    return [problem.message for problem in caught.value.problems]


LOGNORMAL = "delay: {lognormal: {median: 1 day, sigma: 0.5}}"


def test_every_event_in_the_way_is_named_with_its_reason_and_place() -> None:
    scenario = strategies.load(
        text(
            f"a NOR recall, {LOGNORMAL}",
            "b NOR mend 24, follows: a",
            "c SOU recall, delay: 2 days",
            "d SOU mend, date: 2024-01-05, follows: e",
            "e SOU recall, date: 2024-01-02",
            "f SOU talks, delay: {weibull: {shape: 1.001, scale: 1 day}}",
        )
    )
    said = problems(scenario)
    assert [message.removeprefix("the chain cannot be solved exactly: ") for message in said] == [
        "'a' has a lognormal delay, which remembers how long it has run",
        "'c' has a fixed delay, which remembers how long it has run",
        "'d' has no delay of its own, and its date with the file's `spread` gives it one that remembers how long it has run",
        "'e' follows nothing and has no delay of its own, so it stands on its date",
        "'f' has a weibull delay, which remembers how long it has run",
    ]
    with pytest.raises(escsim.ScenarioError) as caught:
        solve(scenario)
    assert [problem.place.line for problem in caught.value.problems] == [14, 16, 17, 18, 19]
    assert all("exponential" in problem.remedy for problem in caught.value.problems)


def test_what_an_intervention_does_to_a_date_is_in_the_way() -> None:
    scenario = strategies.load(text("a NOR recall 24", "b NOR mend 24, follows: a"))
    assert "'a' is moved to a date by the what-if" in problems(scenario, {"move": {"a": "2024-01-03"}})[0]
    assert "'b' is forced to a date by the what-if" in problems(scenario, {"force": {"b": "2024-01-03"}})[0]
    assert "'b' has a uniform delay" in problems(scenario, {"set": {"b": {"delay": {"uniform": {"low": "1 day", "high": "2 days"}}}}})[0]


def test_what_is_forced_is_in_the_way_whatever_its_chance() -> None:
    scenario = strategies.load(text("a NOR recall 24, probability: 0", "b NOR mend 24"))
    assert "'a' is forced" in problems(scenario, {"force": {"a": "2024-01-03"}})[0]


def test_what_can_never_run_is_not_in_the_way() -> None:
    # probability 0, its cause impossible or removed, an option that is not chosen
    close(solved(f"a NOR recall, probability: 0, {LOGNORMAL}", f"b NOR recall, follows: a, {LOGNORMAL}").occupancy[0, 0], 1.0)
    removed = solved("a NOR talks 24", f"b NOR recall, follows: a, {LOGNORMAL}", change={"remove": ["a"]})
    close(removed.occupancy[0, 0], 1.0)
    options = ("strike NOR talks 12", "leave SOU recall 24", f"protest SOU talks, {LOGNORMAL}")
    once = CHOICE.replace("repeats: true, ", "")
    assert "'protest'" in problems(strategies.load(text(*options, more=once)))[0]
    solved(*options, more=once, change={"choose": {"answer": "leave"}})
    joint = f"c NOR recall, follows: {{all: [a, b]}}, {LOGNORMAL}"
    solved("a NOR talks 24", "b NOR talks 24, probability: 0", joint)
    assert "'c'" in problems(strategies.load(text("a NOR talks 24", "b NOR talks 24", joint)))[0]


def test_an_exponential_law_by_another_name_is_one() -> None:
    # a gap of history with an exponential spread; laws of shape 1
    plain = solved("a NOR recall 48").occupancy
    for delay in ("gamma: {shape: 1, mean: 2 days}", "weibull: {shape: 1, scale: 2 days}", "gamma: {mean: 2 days, cv: 1}"):
        close(solved(f"a NOR recall, delay: {{{delay}}}").occupancy, plain)
    dated = solved(
        "first SOU talks, date: 2024-01-02, delay: {exponential: {mean: 1 day}}",
        "a NOR recall, date: 2024-01-04, follows: first",
        more="variants: {spread: {exponential: {}}}\n",
    )
    close(dated.occupancy[0, 2], 1 - (np.exp(-DAYS / 2) - 0.5 * np.exp(-DAYS)) / 0.5)


def test_too_many_states_and_too_fast_a_chain_are_refused() -> None:
    doubtful = [f"{name} NOR talks 24, probability: 0.5" for name in "abcdefghijklmnopqrst"]
    assert "more than 200,000 states" in problems(strategies.load(text(*doubtful)))[0]  # of 2^20 ways at tick 0
    fast = strategies.load(text("a NOR recall, repeats: true, delay: {exponential: {mean: 0.01 seconds}}", "b NOR mend 24, repeats: true"))
    assert "'a' the fastest" in problems(fast)[0]
    w1 = escsim.load(ROOT / "tests/benchmarks/w1.yaml")
    assert "more than 3 states" in problems(w1, most=3)[0]
    assert solve(w1, most=4).states == 4


def test_what_takes_several_words_of_a_mask_and_no_choices_is_solved_too() -> None:
    # masks of choices, of which there are none, cut into words
    found = solved("a NOR recall 24", *(f"b{n} NOR talks 24, probability: 0" for n in range(69)))
    close(found.occupancy[0, 2], 1 - np.exp(-DAYS))


def test_what_is_worth_solving_is_told_at_a_glance() -> None:
    assert beside(strategies.load(text("a NOR recall 24", "b NOR mend 24, follows: a")))
    assert not beside(strategies.load(text("a NOR recall 24", f"b NOR mend, {LOGNORMAL}")))
    assert not beside(strategies.load(text("a NOR recall 24", "b NOR mend, date: 2024-01-05")))


def test_no_events_that_move_and_no_missions_are_solved_too() -> None:
    found = solved("a NOR talks 24")
    assert (found.units, found.occupancy.shape, found.states) == ([], (0, 4, 20), 2)
    close(found.absorbed, 1 - np.exp(-DAYS))
    assert found.to_dict()["first_passage"] == {}


# ---- size


@pytest.mark.slow
def test_a_chain_of_65_536_states_is_solved_in_seconds_and_right() -> None:
    # eight missions that do not touch one another: each must be as if alone
    hazards = {("recall", 0, 2): 4, ("mend", 2, 1): 3, ("sever", 2, 3): 6, ("renew", 3, 1): 9, ("settle", 1, 0): 5}
    targets = [f"S{letter}S" for letter in "ABCDEFGH"]
    data: dict[str, Any] = {
        "title": "Eight",
        "actors": {"NOR": "North", **dict.fromkeys(targets, "South")},
        "period": {"from": "2024-01-01", "to": "2024-02-29"},
        "ladder": {
            "machine": {
                "states": (states := ["normal", "restored", "recalled", "severed"]),
                "initial": "normal",
                "transitions": [[trigger, states[source], states[dest]] for trigger, source, dest in hazards],
            }
        },
        "events": [
            {
                "id": f"{trigger}_{n}",
                "actor": "NOR",
                "target": target,
                "action": trigger,
                "repeats": True,
                "delay": {"exponential": {"mean": f"{mean + n} days"}},
            }
            for n, target in enumerate(targets)
            for (trigger, _, _), mean in hazards.items()
        ],
    }
    found = solve(strategies.load(data))
    assert found.states == 4**8
    for n in range(8):
        q = generator(4, {(source, dest): 1 / (mean + n) for (_, source, dest), mean in hazards.items()})
        for day in (1, 20, 60):
            close(found.occupancy[n, :, day - 1], expm(q * day)[0])
