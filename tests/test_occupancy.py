"""The figure of occupancy: its fields are the counts, its words are the numbers, and it can be read."""

from __future__ import annotations

import csv
import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.patches import StepPatch

import escsim as package
from escsim import plots
from escsim.captions import share_words
from escsim.ensemble import Ensemble
from escsim.occupancy import order
from tests.conftest import SHEETS
from tests.test_cli import Run
from tests.test_kernel import BENCHMARKS
from tests.test_plots import check_readable, texts

NAMES = ["iran-pakistan-2024", "iraq-iran-2024", "saudi-iran-2016", str(BENCHMARKS / "large.yaml")]
MADE: dict[str, Ensemble] = {}


def made(name: str) -> Ensemble:
    """A small ensemble of a scenario, made once."""
    if name not in MADE:
        MADE[name] = package.load(name).simulate(1000, 7)
    return MADE[name]


def drawn(name: str, unit: str | None = None, *, paper: bool = False) -> Any:
    return plots.occupancy(made(name), unit, paper=paper).figure


@pytest.mark.parametrize("paper", SHEETS)
@pytest.mark.parametrize("name", NAMES)
def test_it_can_be_read(name: str, paper: bool) -> None:
    """Letters too small, texts that lie over one another or run off the sheet."""
    ensemble = made(name)
    assert texts(drawn(name, paper=paper))[1].get_text().endswith(ensemble.scenario.hash[:8])  # not cut
    for unit in ensemble.units[:4]:
        check_readable(drawn(name, unit, paper=paper))


def test_the_fields_are_the_counts() -> None:
    """A status in another's colour, a stack in another order, a day shifted."""
    figure, ensemble = drawn("iran-pakistan-2024"), made("iran-pakistan-2024")
    fields: dict[str, Any] = {
        patch.get_gid(): patch.get_data() for axes in figure.axes for patch in axes.patches if isinstance(patch, StepPatch) and patch.get_gid()
    }
    shares = ensemble.counts[ensemble.units.index("PAK-IRN")] / ensemble.n
    (top,) = {float(np.min(field.values)) for gid, field in fields.items() if gid == "share-restored"}
    bottom = float(np.max([np.max(field.baseline) for field in fields.values()]))
    under = np.zeros(len(ensemble.days))
    names = [status for status in order(ensemble.scenario) if shares[ensemble.scenario.ladder.severity[status]].any()]
    assert names == ["severed", "envoys_recalled", "downgraded", "normal", "restored"]
    for status in names:
        field, share = fields[f"share-{status}"], shares[ensemble.scenario.ladder.severity[status]]
        np.testing.assert_allclose((bottom - field.baseline) / (bottom - top), under, atol=1e-9)
        np.testing.assert_allclose((bottom - field.values) / (bottom - top), under + share, atol=1e-9)
        np.testing.assert_array_equal(field.edges, np.arange(len(share) + 1))
        under = under + share
    np.testing.assert_allclose(under, 1)


def test_the_shares_that_are_written_add_up_to_100() -> None:
    for name in NAMES:
        for unit in made(name).units:
            last = made(name).counts[made(name).units.index(unit)][:, -1] / 1000
            told = share_words({str(place): float(share) for place, share in enumerate(last)})
            assert sum(int(each.removesuffix(" %")) for each in told.values() if each != "<1 %") in (100, 99)
            for place, share in enumerate(last):
                assert (told[str(place)] == "0 %") == (share == 0)
                assert told[str(place)] == "<1 %" or abs(int(told[str(place)].removesuffix(" %")) - 100 * share) < 1


@pytest.mark.parametrize(
    ("shares", "told"),
    [
        ({"a": 1 / 3, "b": 1 / 3, "c": 1 / 3}, {"a": "34 %", "b": "33 %", "c": "33 %"}),
        ({"a": 0.993, "b": 0.007}, {"a": "99 %", "b": "1 %"}),
        ({"a": 0.999, "b": 0.001}, {"a": "100 %", "b": "<1 %"}),
        ({"a": 1.0, "b": 0.0}, {"a": "100 %", "b": "0 %"}),
    ],
)
def test_shares_in_words(shares: dict[str, float], told: dict[str, str]) -> None:
    found = share_words(shares)
    assert sorted(found.values()) == sorted(told.values())


def test_the_words_are_the_numbers() -> None:
    figure, ensemble = drawn("iran-pakistan-2024"), made("iran-pakistan-2024")
    written = [each.get_text() for each in texts(figure)]
    last = ensemble.counts[ensemble.units.index("PAK-IRN")][:, -1]
    assert written[0].startswith("By 31 March 2024: ")
    assert f"restored {round(last[1] / 10)} %" in written
    assert any("1,000 variants, ±3.1 points (95 %), seed 7" in each for each in written)
    assert {"history", "17 Jan", "26 Jan", "31 Mar", "◆ restored"} <= set(written)
    said = plots.occupancy(ensemble).description
    assert said.startswith(written[0])
    assert "15 January 2024: normal 100 %." in said


def test_a_pair_may_be_named_either_way_round() -> None:
    assert made("iran-pakistan-2024").unit("IRN-PAK") == made("iran-pakistan-2024").unit("PAK-IRN") == "PAK-IRN"


@pytest.mark.slow
def test_it_is_the_same_to_the_byte() -> None:
    made_twice = [plots.render(drawn("iran-pakistan-2024"), kind, "said") for kind in plots.FORMATS for _ in range(2)]
    sums = [hashlib.sha256(each).hexdigest() for each in made_twice]
    assert sums[::2] == sums[1::2]


def test_the_command_writes_picture_and_numbers(escsim: Run, tmp_path: Path) -> None:
    picture = tmp_path / "shares.svg"
    done = escsim("plot", "iran-pakistan-2024", "occupancy", "-n", "1000", "--seed", "7", "--of", "PAK->IRN", "--csv", "-o", picture)
    assert (done.code, done.out) == (0, f"{picture}\n")
    assert b"<desc" in picture.read_bytes()
    rows = list(csv.DictReader((tmp_path / "shares.csv").read_text("utf-8").splitlines()))
    ensemble = made("iran-pakistan-2024")
    assert len(rows) == 77 * 5
    assert {row["of"] for row in rows} == {"PAK->IRN"}
    known = ensemble.share("PAK->IRN", "restored", "2024-03-31")
    (row,) = [row for row in rows if (row["date"], row["status"]) == ("2024-03-31", "restored")]
    assert (float(row["share"]), float(row["low"]), float(row["high"])) == tuple(known)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["occupancy", "--of", "PAK->IRM"], "there is no mission or pair 'PAK->IRM': did you mean 'PAK->IRN'?"),
        (["diagram", "-n", "5"], "-n goes with ways, occupancy, cumulative, durations, difference, fan, sweep, tornado; not with diagram"),
        (["trajectory", "--of", "PAK-IRN"], "--of goes with occupancy, cumulative, durations, difference, fan; not with trajectory"),
    ],
)
def test_what_does_not_fit_is_refused(escsim: Run, args: list[str], message: str) -> None:
    done = escsim("plot", "iran-pakistan-2024", *args)
    assert (done.code, done.out) == (2, "")
    assert message in " ".join(done.err.split())


def test_a_scenario_without_missions_has_no_occupancy(escsim: Run, tmp_path: Path) -> None:
    path = tmp_path / "none.yaml"
    path.write_text(
        "title: None\nactors: {crowd: A crowd}\nladder: simple\nperiod: {from: 2024-01-01, to: 2024-01-05}\n"
        "events:\n  - {id: march, actor: crowd, action: protest, delay: 1 day}\n",
        encoding="utf-8",
    )
    done = escsim("plot", path, "occupancy", "-n", "5")
    assert done.code == 2
    assert "this scenario has no missions" in done.err
    assert not list(tmp_path.glob("*.png"))
