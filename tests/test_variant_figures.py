"""The figures of cumulative incidence, durations and differences: their numbers are those of a slow reader, their words the numbers."""

from __future__ import annotations

import csv
import hashlib
import random
from functools import cache
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

import escsim as package
from escsim import ladder, plots
from escsim.absence import levels
from escsim.ensemble import Ensemble
from escsim.errors import AskedError
from escsim.intervals import paired_share, wilson
from escsim.style import Picture
from escsim.times import TICKS_A_DAY
from escsim.trajectory import Trajectory
from tests import strategies
from tests.conftest import SHEETS
from tests.strategies import KINDS, Pick
from tests.test_cli import NAMES, Run
from tests.test_plots import check_readable, lanes, texts
from tests.test_questions import Reader

N = 150
STEP = TICKS_A_DAY // 24


@cache
def made(name: str, what_if: str | None = None) -> Ensemble:
    """A small ensemble of a scenario, made once."""
    return package.load(name).simulate(N, 7, intervention=what_if)


@cache
def runs(name: str, what_if: str | None = None) -> list[Trajectory]:
    return [made(name, what_if).trajectory(i) for i in range(N)]


def absence(run: Trajectory, unit: str) -> tuple[int | None, int | None, int | None]:
    """Give when a unit first goes down, is back, and is lost, read tick by tick; of a ladder in which only `severed` may be final."""
    scenario, since, back, lost = run.scenario, None, None, None
    heights = scenario.ladder.heights
    start = max(heights[scenario.initial[mission]] for mission in scenario.members(unit))
    final = isinstance(scenario.ladder_, str) and scenario.ladder_ == "simple"
    for tick in Reader(run).ticks:
        status = run.status_at(unit, tick)
        if since is None and heights[status] > start:
            since = tick
        elif since is not None and back is None and heights[status] <= start:
            back = tick
        if lost is None and final and status == "severed":
            lost = tick
    return since, back, lost


def percent(share: float) -> float:
    return round(100 * share)


# ---- absences


def test_what_is_lost_is_what_the_ladder_has_no_way_back_from() -> None:
    simple, missions = (package.load(name) for name in (NAMES[0], NAMES[2]))
    assert levels(simple, "PAK-IRN") == (("normal", "restored"), ("downgraded", "envoys_recalled", "severed"), ("severed",))
    assert levels(missions, "SAU-IRN").lost == ()  # relations that are broken off can be resumed
    assert levels(missions, "BHR->IRN").kept[-1] == "charge"
    assert ladder.load_shipped("missions").shared == ("severed",)


# ---- P3


@pytest.mark.parametrize(("name", "unit"), [(NAMES[0], "PAK-IRN"), (NAMES[0], "IRN->PAK"), (NAMES[2], "SAU-IRN")])
@pytest.mark.slow
def test_the_cumulative_curves_are_those_of_a_slow_reader(name: str, unit: str) -> None:
    """A day too early, a second return counted, restored after severed."""
    found = [absence(run, unit) for run in runs(name)]
    picture = plots.cumulative(made(name), unit)
    rows = {(row[0], row[2]): row[3:] for row in picture.rows[1:]}
    lost = [part for _, part in rows if part not in ("not down yet", "still down", "restored")][:1]
    for number, day in enumerate(made(name).days):
        end = (number + 1) * TICKS_A_DAY
        down, back, gone = (sum(tick is not None and tick < end for tick in each) for each in zip(*found, strict=True))
        gone = sum(lost is not None and lost < end and back is None for _, back, lost in found)
        parts = {"not down yet": N - down, "still down": down - back - gone, "restored": back} | dict.fromkeys(lost, gone)
        assert {part: rows[day.isoformat(), part] for part in parts} == {part: tuple(wilson(count, N)) for part, count in parts.items()}
    assert lost == ([] if name == NAMES[2] else ["severed"])
    assert 0.1 < rows[made(name).days[-1].isoformat(), "restored"][0] < 0.9


def test_what_was_restored_before_it_was_lost_counts_as_restored(tmp_path: Path) -> None:
    path = tmp_path / "back_and_gone.yaml"
    calls = [("go", "recall_envoy", ""), ("come", "return_envoy", ", follows: go"), ("end", "sever_relations", ", follows: come")]
    events = [f"  - {{id: {id_}, actor: AAA, target: BBB, action: {action}, delay: 1 day{follows}}}\n" for id_, action, follows in calls]
    head = "title: T\nactors: {AAA: A, BBB: B}\nladder: simple\nperiod: {from: 2024-01-01, to: 2024-01-05}\nevents:\n"
    path.write_text(head + "".join(events), "utf-8")
    ensemble = package.load(path).simulate(3)
    last = {row[2]: row[3] for row in plots.cumulative(ensemble, "AAA->BBB").rows[-4:]}
    assert last == {"not down yet": 0, "still down": 0, "restored": 1, "severed": 0}
    assert dots(plots.durations(ensemble, "AAA->BBB")) == [1.0] * 20


def curve(figure: Figure, gid: str, side: float = 0) -> Any:
    """Give the values of steps drawn over shares from 0 to 1, read from where they stand between the lines of 0 % and 100 %."""
    grid = sorted({line.get_ydata()[0] for axes in figure.axes for line in axes.lines if line.get_color() == "#D8D8D8"})
    data = lanes(figure)[gid].get_data()
    return (grid[-1] - (data.baseline if side else data.values)) / (grid[-1] - grid[0])


def test_the_cumulative_figure_draws_its_numbers() -> None:
    picture = plots.cumulative(made(NAMES[0]), "PAK-IRN")
    restored = [row[3] for row in picture.rows[1:] if row[2] == "restored"]
    np.testing.assert_allclose(curve(picture.figure, "curve-restored"), restored, atol=1e-9)
    written = [each.get_text() for each in texts(picture.figure)]
    still, severed = (percent(next(row[3] for row in picture.rows[::-1] if row[2] == part)) for part in ("still down", "severed"))
    shares = f"{percent(restored[-1])} % of the variants, still down in {still} %, severed in {severed} %"
    assert written[0] == f"Ties restored by 31 March 2024 in {shares}"
    assert written[1].endswith(f"{N} variants, ±7.9 points (95 %), seed 7 · {made(NAMES[0]).scenario.hash[:8]}")
    assert {"history: down 17 Jan 2024, restored 26 Jan 2024", f"restored {percent(restored[-1])} %", "26 Jan"} <= set(written)
    assert picture.description.startswith(f"{written[0]}. {written[1]}. ")
    dotted = [line.get_xdata()[0] for axes in picture.figure.axes for line in axes.lines if line.get_linestyle() == "--" and line.get_zorder() == 5]
    assert dotted == [2, 11]


@pytest.mark.slow
def test_parameter_draws_are_nested_bands() -> None:
    scenario = package.load(NAMES[0])
    draws = [scenario.simulate(200, seed) for seed in range(9)]
    picture = plots.cumulative(made(NAMES[0]), "PAK-IRN", draws=draws)
    curves = [[row[3] for row in plots.cumulative(each, "PAK-IRN").rows[1:] if row[2] == "restored"] for each in draws]
    for most in (50, 80, 95):
        low, high = (np.quantile(curves, 0.5 + sign * most / 200, axis=0) for sign in (-1, 1))
        rows = [row for row in picture.rows if row[2] == f"parameter draws, {most} %"]
        assert [row[0] for row in rows] == [day.isoformat() for day in scenario.period.days()]
        np.testing.assert_allclose([row[4:] for row in rows], np.stack([low, high], axis=1))
        np.testing.assert_allclose(curve(picture.figure, f"band-{most}"), high, atol=1e-9)
        np.testing.assert_allclose(curve(picture.figure, f"band-{most}", 1), low, atol=1e-9)
    assert "Bands: 50, 80 and 95 % of 9 parameter draws, uniform within the stated ranges, equal-tail: of ‘restored’" in {
        each.get_text() for each in texts(picture.figure)
    }
    check_readable(picture.figure)


def waited(name: str, asked: dict[str, Any]) -> tuple[list[int], list[int]]:
    """Give in hours how long it took, and how long it was waited for in vain."""
    took, vain = [], []
    for run in runs(name):
        since, reached = Reader(run).passage(asked)
        if since is not None:
            (vain if reached is None else took).append(((run.scenario.period.ticks if reached is None else reached) - since) // STEP)
    return took, vain


def come(took: list[int], vain: list[int], hours: int) -> float:
    """Give the share to whom it has come about, hour by hour by Kaplan and Meier."""
    share = 1.0
    for hour in sorted({each for each in took if each <= hours}):
        share *= 1 - took.count(hour) / (sum(each >= hour for each in took) + sum(each >= hour for each in vain))
    return 1 - share


ASKED = {"reach": {"PAK->IRN": "restored"}, "after": "recall"}


def test_a_question_is_drawn_by_kaplan_and_meier() -> None:
    picture = plots.cumulative(made(NAMES[0]), question="days_to_return")
    took, vain = waited(NAMES[0], ASKED)
    for day, _, _, share, low, high in picture.rows[1:]:
        assert share == pytest.approx(come(took, vain, 24 * day))
        assert low <= share <= high
    assert len(picture.rows) == 1 + 78
    assert picture.description.startswith("Days to return: half within ")
    assert f"{len(took) + len(vain)} of {N} variants" in picture.description
    assert "History: 9 days." in picture.description


# ---- P4


def dots(picture: Picture) -> list[float | str]:
    return [row[3] if row[2] is None else row[2] for row in picture.rows[1:]]


@pytest.mark.parametrize(("name", "unit"), [(NAMES[0], "PAK-IRN"), (NAMES[1], "IRQ->IRN"), (NAMES[2], "SAU-IRN")])
def test_the_dots_are_quantiles_of_the_variants(name: str, unit: str) -> None:
    """A column dropped, hours rounded up, a quantile beside the right one."""
    lengths: list[tuple[int, int, str]] = []
    for since, back, lost in (absence(run, unit) for run in runs(name)):
        length = 0 if since is None or back is None else (back - since) // STEP
        lengths.append((0, 0, "never down") if since is None else (1, length, "") if back is not None else (2 + (lost is not None), 0, ""))
    lengths.sort()
    columns = {0: "never down", 2: "not restored", 3: "severed"}
    wanted = [lengths[ceil(N * (2 * dot + 1) / 40) - 1] for dot in range(20)]
    picture = plots.durations(made(name), unit)
    assert dots(picture) == [columns.get(place, hours / 24) for place, hours, _ in wanted]
    drawn = [line for axes in picture.figure.axes for line in axes.lines if line.get_gid() == "dots"]
    assert sum(len(line.get_xdata()) for line in drawn) == 20
    written = [each.get_text() for each in texts(picture.figure)]
    for place, column in columns.items():
        share = sum(length[0] == place for length in lengths) / N
        if column in written:
            assert written[written.index(column) - 1] == ("<1 %" if 0 < share < 0.005 else f"{percent(share)} %")
        else:
            assert share == 0


def test_questions_are_drawn_as_dots_too() -> None:
    took, vain = waited(NAMES[0], ASKED)
    hours = sorted({*took})
    wanted = [next((hour / 24 for hour in hours if come(took, vain, hour) >= (dot + 0.5) / 20 - 1e-9), "not within the period") for dot in range(20)]
    assert dots(plots.durations(made(NAMES[0]), question="days_to_return")) == wanted
    assert "not within the period" in wanted
    spent = sorted(Reader(run).spent({"PAK->IRN": "envoys_away"}) for run in runs(NAMES[0]))
    picture = plots.durations(made(NAMES[0]), question="days_without_envoys")
    chosen = [spent[ceil(N * (2 * dot + 1) / 40) - 1] for dot in range(20)]
    assert dots(picture) == [ticks // STEP / 24 if ticks else "never" for ticks in chosen]
    assert made(NAMES[0]).answer("days_without_envoys").estimate == pytest.approx(spent[N // 2 - 1] // STEP / 24)
    assert "at most" in picture.description


# ---- P5


@pytest.mark.parametrize(
    ("name", "what_if", "unit", "status"),
    [
        (NAMES[0], "no_retaliation", "PAK-IRN", ()),
        (NAMES[0], "early_call", "PAK->IRN", ("envoys_away",)),
        (NAMES[2], "riyadh_recalls", "SAU-IRN", ()),
    ],
)
@pytest.mark.slow
def test_differences_are_those_of_a_slow_reader(name: str, what_if: str, unit: str, status: tuple[str, ...]) -> None:
    """Worlds paired with another's twin, a day shifted, the interval of unpaired shares."""
    picture = plots.difference(made(name), made(name, what_if), unit, status)
    ladder_ = made(name).scenario.ladder
    held = ladder_.resolve(status) or {each for each in ladder_.statuses if each not in ("normal", "restored", "ambassador")}
    pairs = list(zip(runs(name), runs(name, what_if), strict=True))
    days = made(name).days
    found = False
    for row, day in list(zip(picture.rows[1:], days, strict=True))[:: max(1, len(days) // 25)]:
        inside = [(one.status_on(unit, day) in held, other.status_on(unit, day) in held) for one, other in pairs]
        counts = [inside.count(each) for each in ((True, True), (False, True), (True, False))]
        assert row[0] == day.isoformat()
        assert row[3:] == ((counts[0] + counts[2]) / N, (counts[0] + counts[1]) / N, *paired_share(*counts, N))
        found |= counts[1] != counts[2]
    assert found
    mean = np.mean([Reader(other).spent({unit: list(held)}) - Reader(one).spent({unit: list(held)}) for one, other in pairs]) / TICKS_A_DAY
    written = texts(picture.figure)[0].get_text().replace("−", "-").replace(",", "")
    number = written.split(": ")[1].split(" days")[0]
    assert float(number) == pytest.approx(mean, abs=0.51 * 10.0 ** -len(number.partition(".")[2]))


def test_a_change_that_changes_nothing_draws_no_difference() -> None:
    picture = plots.difference(made(NAMES[0]), made(NAMES[0], "no_third_call"), status=["severed"])
    assert {row[5] for row in picture.rows[1:]} == {0.0}
    other = plots.difference(made(NAMES[0]), made(NAMES[0]))
    assert texts(other.figure)[0].get_text() == "What if: no variant goes otherwise"


# ---- all


def pictures(name: str, *, paper: bool) -> list[Picture]:
    ensemble = made(name)
    twin = made(name, next(iter(ensemble.scenario.what_if)))
    found = []
    for unit in (None, ensemble.units[0]):
        found += [kind(ensemble, unit, paper=paper) for kind in (plots.cumulative, plots.durations)]
        found.append(plots.difference(ensemble, twin, unit, paper=paper))
    for key, question in ensemble.scenario.questions.items():
        kinds = [plots.cumulative] * bool(question.time_to) + [plots.durations] * bool(question.time_to or question.time_in)
        found += [kind(ensemble, question=key, paper=paper) for kind in kinds]
    return found


@pytest.mark.parametrize("paper", SHEETS)
@pytest.mark.parametrize("name", NAMES)
def test_they_can_be_read(name: str, paper: bool) -> None:
    for picture in pictures(name, paper=paper):
        check_readable(picture.figure)
        written = [each.get_text() for each in texts(picture.figure)]
        assert written[1].endswith(made(name).scenario.hash[:8]), "cut"
        assert not written[0].endswith("…")
        assert picture.description.startswith(written[0])
        assert len({len(row) for row in picture.rows}) == 1


@pytest.mark.slow
def test_any_scenario_can_be_drawn() -> None:
    """Ladders without a way back, missions that start at the worst, single variants, files without a history."""
    drawn = 0
    for number in range(30):
        pick = Pick(random.Random(f"figures {number}").randrange)
        scenario = strategies.load(KINDS[("free", "told", "hazards")[number % 3]](pick))
        base, changed = (scenario.simulate((1, 2, 13)[number % 3], number, 1, intervention=each) for each in (None, "w"))
        for unit in base.units[:3]:
            for kind in ("occupancy", "cumulative", "durations", "difference"):
                try:
                    check_readable(plots.PICTURES[kind](*([base, changed] if kind == "difference" else [base]), unit).figure)
                    drawn += 1
                except AskedError as error:
                    assert str(error).startswith(f"no status is below the one that {unit} starts in")  # noqa: PT017
                    assert kind == "difference"
    assert drawn > 100


@pytest.mark.parametrize("kind", ["cumulative", "durations", "difference"])
@pytest.mark.slow
def test_they_are_the_same_to_the_byte(kind: str) -> None:
    inputs = [made(NAMES[1])] if kind != "difference" else [made(NAMES[1]), made(NAMES[1], "words_only")]
    drawn = [plots.PICTURES[kind](*inputs) for _ in range(2)]
    for suffix in plots.FORMATS:
        assert len({hashlib.sha256(plots.render(each.figure, suffix, each.description)).hexdigest() for each in drawn}) == 1


def test_ensembles_and_comparisons_plot_themselves() -> None:
    ensemble = made(NAMES[0])
    comparison = package.effect(ensemble, made(NAMES[0], "early_call"), {})
    for figure in (ensemble.plot_occupancy(), ensemble.plot_cumulative(), ensemble.plot_durations("PAK->IRN"), comparison.plot()):
        assert isinstance(figure, Figure)


@pytest.mark.parametrize(
    ("kind", "args"),
    [
        ("cumulative", ["--draws", "0"]),
        ("cumulative", ["--question", "days_to_return", "--draws", "0"]),
        ("durations", ["--of", "PAK->IRN"]),
        ("difference", ["--what-if", "early_call"]),
    ],
)
def test_the_command_writes_picture_and_numbers(escsim: Run, tmp_path: Path, kind: str, args: list[str]) -> None:
    done = escsim("plot", NAMES[0], kind, *args, "-n", N, "--seed", "7", "--csv", "-o", tmp_path / "x.svg")
    assert (done.code, done.out) == (0, f"{tmp_path / 'x.svg'}\n")
    inputs = [made(NAMES[0]), made(NAMES[0], "early_call")][: 2 if kind == "difference" else 1]
    options = dict(zip([{"--question": "question", "--of": "unit"}.get(each, "") for each in args[::2]], args[1::2], strict=True))
    picture = plots.PICTURES[kind](*inputs, **{name: value for name, value in options.items() if name})
    assert (tmp_path / "x.svg").read_bytes() == plots.render(picture.figure, "svg", picture.description)
    rows = list(csv.reader((tmp_path / "x.csv").read_text("utf-8").splitlines()))
    assert rows == [["" if cell is None else str(cell) for cell in row] for row in picture.rows]


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["occupancy", "--question", "days_to_return"], "--question goes with cumulative, durations, sweep, tornado; not with occupancy"),
        (["durations", "--status", "severed"], "--status goes with difference; not with durations"),
        (["diagram", "--what-if", "early_call"], "--what-if goes with difference; not with diagram"),
        (["durations", "--question", "days_to_return", "--of", "PAK-IRN"], "--of does not go with --question"),
        (["cumulative", "--question", "days_to_retrun"], "there is no question 'days_to_retrun': did you mean 'days_to_return'?"),
        (["cumulative", "--question", "days_without_envoys"], "cumulative draws questions of the kind time_to, which 'days_without_envoys' is not"),
        (["durations", "--question", "severed"], "durations draws questions of the kinds time_in and time_to, which 'severed' is not"),
        (["difference", "--status", "envoy_away"], "there is no status or group 'envoy_away': did you mean 'envoys_away'?"),
        (["difference", "--what-if", "early_cal"], "there is no what-if 'early_cal': did you mean 'early_call'?"),
    ],
)
def test_what_does_not_fit_is_refused(escsim: Run, args: list[str], message: str) -> None:
    done = escsim("plot", NAMES[0], *args, "-n", "5") if args[0] != "diagram" else escsim("plot", NAMES[0], *args)
    assert (done.code, done.out) == (2, "")
    assert message in " ".join(done.err.split())


def test_a_file_without_what_ifs_has_no_difference(escsim: Run, small: Path) -> None:
    done = escsim("plot", small, "difference")
    assert done.code == 2
    assert "this file has no `what_if`" in done.err
