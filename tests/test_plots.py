"""Figures: the same bytes each time, true to the dates, readable, and harmless whatever the file says."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import os
import shlex
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from datetime import datetime
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import matplotlib
import pytest
from matplotlib.dates import date2num
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import StepPatch
from matplotlib.text import Text
from matplotlib.transforms import Bbox
from PIL import Image

import escsim
from escsim import captions, files, ladder, palette, plots
from escsim.timeline import Timescale

SHIPPED = ("iran-pakistan-2024", "iraq-iran-2024", "saudi-iran-2016")
KINDS = ("trajectory", "diagram")
RUNS = {name: escsim.load(name).replay() for name in SHIPPED}
FIGURES: dict[tuple[str, str], Figure] = {}

HEAD = "actors: {AAA: Alphaland, BBB: Betastan}\nladder: simple\nperiod: {from: 2020-05-01, to: 2020-05-31}\n"
TINY = f"title: One event\n{HEAD}events:\n  - {{id: recall, date: 2020-05-04, actor: AAA, target: BBB, action: recall_envoy}}\n"
NO_MISSION = f"title: None\n{HEAD}events:\n  - {{id: raid, date: 2020-05-04, actor: AAA, target: BBB, action: strike}}\n"
USER = """
title: Twelve statuses
actors: {AAA: Alphaland, BBB: The Federated Union of Betastan and Gammaland, gang: Some armed men of unknown origin}
ladder:
  machine:
    states: [friends, cordial, plain_a, plain_b, plain_c_or_so, plain_d, cool, summoned_often, gone, embargo_and_blockade, war_scare, war]
    initial: cordial
    transitions:
      - [warm, cordial, friends]
      - [cool_down_considerably_and_publicly, [friends, cordial, plain_a, plain_b], cool]
      - [adjust, cordial, plain_a]
      - [shift_b, plain_a, plain_b]
      - [shift_c, plain_b, plain_c_or_so]
      - [shift_d, [plain_c_or_so, plain_a], plain_d]
      - [summon, cool, summoned_often]
      - [go, [cool, summoned_often, plain_d], gone]
      - [embargo, [gone, cool, cordial], embargo_and_blockade]
      - [scare, embargo_and_blockade, war_scare]
      - [open_war, '*', war]
      - [peace, war, cordial]
      - [again, war_scare, =]
  rungs: [[plain_a, plain_b, plain_c_or_so, plain_d], [cool, summoned_often]]
  moves: {open_war: both, peace: both}
period: {from: 1979-01-01, to: 1990-12-31}
events:
  - {id: a, date: 1979, actor: AAA, target: BBB, action: adjust}
  - {id: b, date: 1979-11, actor: AAA, target: BBB, action: shift_b, follows: a}
  - {id: a_very_long_identifier_of_an_event_that_goes_on, date: 1980-02-03, actor: gang, target: BBB, action: strike}
  - {id: d, date: 1981-02-03, actor: AAA, target: BBB, action: [shift_c, shift_d], follows: b}
  - {id: e, date: 1981-02-04, actor: AAA, target: BBB, action: go, follows: d}
  - {id: war_begins, date: 1984-02-04, actor: BBB, target: AAA, action: open_war, follows: e}
  - {id: peace_at_last, date: about 1989-09-01, actor: [AAA, BBB], action: peace, follows: war_begins}
"""
OTHERS = [f"B{letter}{letter}" for letter in "ABCDEFGHIJKLMNOPQRSTUVWX"]
CROWDED = f"""
title: Two dozen missions that fall together
actors: {{AAA: Alphaland, {", ".join(f"{key}: The Kingdom of {key}" for key in OTHERS)}}}
ladder:
  machine:
    states: [{", ".join(f"s{number}" for number in range(12))}]
    initial: s0
    transitions: [[fall, [{", ".join(f"s{number}" for number in range(11))}], s11], [rise, s11, s0]]
start: {{{", ".join(f"AAA->{key}: s{number % 11}" for number, key in enumerate(OTHERS))}}}
period: {{from: 1950-01-01, to: 1952-12-31}}
events:
  - {{id: quarrel, date: 1950 to 1951, actor: [AAA, BAA], action: protest}}
  - {{id: fall, date: 1950-08-01 06:30, actor: AAA, target: [{", ".join(OTHERS)}], action: fall}}
  - {{id: rise, date: 1951-08-01, actor: AAA, target: [{", ".join(OTHERS[:12])}], action: rise, follows: fall}}
"""
NASTY = "$\\\\frac{$ <script>alert(1)</script> ]]> -- & \\u202Eltr \\n \\0 \\u9F8D " + "x" * 5000
HOSTILE = f"""
title: "{NASTY}"
sources: {{it: "{NASTY}"}}
actors: {{AAA: "{NASTY}", BBB: "$x_1^2$ \\u2066 -->", other: "{NASTY}"}}
ladder: simple
period: {{from: 2020-05-01, to: 2020-05-31}}
events:
  - {{id: recall, date: 2020-05-04, actor: AAA, target: BBB, action: recall_envoy, text: "{NASTY}", cite: it}}
  - {{id: raid, date: 2020-05-05, actor: [other, BBB], target: AAA, action: strike, text: "{NASTY}", cite: it}}
"""


def draw(kind: str, run: escsim.Trajectory, *, paper: bool = False) -> Figure:
    return plots.diagram(run, paper=paper) if kind == "diagram" else plots.trajectory(run, paper=paper).figure


def drawn(name: str, kind: str) -> Figure:
    """A figure of a shipped scenario, drawn once for all tests that only look at it."""
    if (name, kind) not in FIGURES:
        FIGURES[name, kind] = draw(kind, RUNS[name])
    return FIGURES[name, kind]


def replay(folder: Path, text: str) -> escsim.Trajectory:
    path = folder / "crisis.yaml"
    path.write_text(text, encoding="utf-8")
    return escsim.load(path).replay()


def texts(figure: Figure) -> list[Text]:
    return [each for axes in figure.axes for each in axes.texts if each.get_text()]


def boxes(figure: Figure, wanted: list[Text]) -> list[tuple[str, Bbox]]:
    renderer = figure.canvas.get_renderer()
    return [(each.get_text(), Text.get_window_extent(each, renderer)) for each in wanted]


def overlaps(one: Bbox, other: Bbox) -> bool:
    """Whether two texts touch; a line's box is a few pixels taller than its letters."""
    return min(one.x1, other.x1) - max(one.x0, other.x0) > 0.5 and min(one.y1, other.y1) - max(one.y0, other.y0) > 4


def check_readable(figure: Figure) -> None:
    height = 1080 if figure.get_size_inches()[1] > 10 else 1527  # units of the sheet
    point = 72 * figure.get_size_inches()[1] / height
    assert min(each.get_fontsize() / point for each in texts(figure)) >= 24 - 1e-9
    whole = figure.bbox
    found = boxes(figure, texts(figure))
    for text, box in found:
        assert box.x0 >= 0
        assert box.x1 <= whole.x1, text
        assert box.y0 >= -2, text
        assert box.y1 <= whole.y1, text
    clashes = [(one[0], other[0]) for one, other in combinations(found, 2) if overlaps(one[1], other[1])]
    assert not clashes


def lanes(figure: Figure) -> dict[str, StepPatch]:
    return {patch.get_gid(): patch for axes in figure.axes for patch in axes.patches if isinstance(patch, StepPatch) and patch.get_gid()}


def marks(figure: Figure) -> dict[int, Line2D]:
    return {
        int(gid.removeprefix("event-")): line for axes in figure.axes for line in axes.lines if (gid := line.get_gid() or "").startswith("event-")
    }


CHILD = """
import hashlib, json, sys
import escsim
from escsim import plots
run = escsim.load("iran-pakistan-2024").replay()
sums = {}
for kind in ("trajectory", "diagram"):
    figure = run.plot() if kind == "trajectory" else plots.diagram(run)
    for format in plots.FORMATS:
        sums[f"{kind}.{format}"] = hashlib.sha256(plots.render(figure, format, "said")).hexdigest()
sums["pyplot"] = "matplotlib.pyplot" in sys.modules
print(json.dumps(sums))
"""


@pytest.mark.slow
def test_another_process_with_other_settings_writes_the_same_bytes(tmp_path):
    (tmp_path / "matplotlibrc").write_text("font.size: 30\ntext.color: red\nsvg.fonttype: none\nlines.linewidth: 9\naxes.facecolor: black\n")
    environment = dict(os.environ, PYTHONHASHSEED="7", TZ="Pacific/Auckland", MPLCONFIGDIR=str(tmp_path), SOURCE_DATE_EPOCH="1000")
    child = subprocess.Popen([sys.executable, "-c", CHILD], env=environment, cwd=Path(__file__).parent.parent, stdout=subprocess.PIPE)
    sums: dict[str, object] = {"pyplot": False}
    for kind in KINDS:
        for form in plots.FORMATS:
            sums[f"{kind}.{form}"] = hashlib.sha256(plots.render(drawn("iran-pakistan-2024", kind), form, "said")).hexdigest()
    assert json.loads(child.communicate()[0]) == sums


@pytest.mark.parametrize("form", plots.FORMATS)
def test_no_date_and_no_version_in_a_file(form):
    data = plots.render(drawn("iraq-iran-2024", "trajectory"), form)
    assert data == plots.render(drawn("iraq-iran-2024", "trajectory"), form)
    for word in (matplotlib.__version__.encode(), b"CreationDate", b"<dc:date>", b"Software"):
        assert word not in data


def test_drawing_leaves_the_settings_alone():
    before = dict(matplotlib.rcParams)
    plots.render(plots.trajectory(RUNS["iraq-iran-2024"]).figure, "svg")
    assert dict(matplotlib.rcParams) == before


@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.parametrize("kind", KINDS)
def test_texts_are_large_enough_on_the_sheet_and_apart(name, kind):
    check_readable(drawn(name, kind))


@pytest.mark.parametrize("kind", KINDS)
def test_paper_is_a4_and_readable(kind):
    figure = draw(kind, RUNS["iraq-iran-2024"], paper=True)
    width, height = figure.get_size_inches() * 25.4
    assert width == pytest.approx(297, abs=1)
    assert height == pytest.approx(210, abs=1)
    check_readable(figure)


@pytest.mark.parametrize("kind", KINDS)
def test_the_screen_is_1920_by_1080(kind):
    image = Image.open(io.BytesIO(plots.render(drawn("iran-pakistan-2024", kind), "png")))
    assert image.size == (1920, 1080)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("text", [TINY, NO_MISSION, USER], ids=["one event", "no mission", "another ladder"])
def test_other_scenarios_are_readable(tmp_path, text, kind):
    check_readable(draw(kind, replay(tmp_path, text)))


def test_steps_stand_on_the_dates_of_the_moves():
    found = lanes(drawn("iran-pakistan-2024", "trajectory"))
    assert list(found) == ["lane-PAK-IRN", "lane-IRN-PAK"]
    for patch in found.values():
        levels, edges, baseline = patch.get_data()
        assert baseline is None
        assert list(edges[:3]) == [date2num(datetime(2024, 1, day)) for day in (15, 17, 26)]
        assert edges[3] < date2num(datetime(2024, 2, 10))
        assert levels[0] == levels[2] < levels[1]  # y runs downwards: mild is on top


@pytest.mark.parametrize("name", SHIPPED)
def test_every_lane_tells_what_the_trajectory_says(name):
    run = RUNS[name]
    heights = run.scenario.ladder.heights
    found = lanes(drawn(name, "trajectory"))
    assert found
    for gid, patch in found.items():
        mission = "->".join(gid.split("-")[1:])
        levels, edges, _ = patch.get_data()
        assert list(edges) == sorted(edges)
        for level, (begin, end) in zip(levels, pairwise(edges), strict=True):
            for one, (from_, to) in zip(levels, pairwise(edges), strict=True):
                status, other = (run.status_at(mission, run.scenario.period.tick(_middle(*span))) for span in ((begin, end), (from_, to)))
                assert (level > one) == (heights[status] > heights[other])


def _middle(begin: float, end: float) -> datetime:
    return datetime(1970, 1, 1) + (begin + end) / 2 * escsim.times.DAY


def test_lanes_are_in_the_order_of_the_scenario_and_few_are_left_out():
    run = RUNS["saudi-iran-2016"]
    shown = ["->".join(gid.split("-")[1:]) for gid in lanes(plots.trajectory(run, paper=True).figure)]
    assert shown == [mission for mission in run.scenario.missions if mission != "IRN->KWT"]
    said = [each.get_text() for each in texts(drawn("saudi-iran-2016", "trajectory"))]
    assert any("Iran → Kuwait: ambassador throughout" in each for each in said)
    assert {"Bahrain ⇄ Iran", "Saudi Arabia → Iran", "Iran → Saudi Arabia"} <= set(
        said
    )  # where there is less room, pairs that go the same way share a lane


@pytest.mark.parametrize("name", SHIPPED)
def test_filled_is_what_the_main_report_states(name):
    run = RUNS[name]
    found = marks(drawn(name, "trajectory"))
    assert sorted(found) == list(range(len(run.steps)))
    for number, line in found.items():
        event = run.event(run.steps[number])
        assert line.get_xdata()[0] == date2num(run.moment(run.steps[number]))
        assert line.get_markerfacecolor() == (palette.INK if run.scenario.reported(event) else palette.PAPER)


def test_dates_not_known_exactly_are_whiskers():
    run = RUNS["saudi-iran-2016"]
    lines = [tuple(line.get_xdata()) for axes in drawn("saudi-iran-2016", "trajectory").axes for line in axes.lines if line.get_marker() == "|"]
    loose = [run.event(step).date for step in run.steps if not run.event(step).date.exact]
    assert sorted(lines) == sorted((date2num(date.first), date2num(date.last)) for date in loose)


def test_the_axis_is_even_and_short_where_it_can_be():
    scale = Timescale([16, 17, 18, 22, 26, 29], [], 340, 1880)
    assert scale.start == 15
    assert not scale.cuts
    assert 29 < scale.end < 36
    assert scale(22) - scale(18) == pytest.approx(4 * (scale(17) - scale(16)))


def test_long_gaps_are_cut_and_say_so():
    ticks = [0, 1, 2, 500, 508, 3000]
    scale = Timescale(ticks, [(400.0, 430.0)], 340, 1880)
    places = list(scale(ticks))
    assert places == sorted(places)
    assert min(b - a for a, b in pairwise(places)) >= 38
    assert scale(1) - scale(0) == pytest.approx(scale(2) - scale(1))
    shortest = min(high - low for low, high in scale.cuts)
    points = sorted({-1.0, *ticks, 400.0, 430.0})
    assert set(scale.cuts) == {gap for gap in pairwise(points) if gap[1] - gap[0] >= shortest}
    assert list(scale.inverse(scale(points))) == pytest.approx(points)
    said = [each.get_text() for each in texts(drawn("saudi-iran-2016", "trajectory"))]
    assert "// = time cut out" in said
    assert {"17 mo", "80 d"} <= set(said)


@pytest.mark.parametrize("kind", KINDS)
def test_hostile_text_is_only_text(tmp_path, kind):
    run = replay(tmp_path, HOSTILE)
    figure, said = draw(kind, run), getattr(plots, f"describe_{kind}")(run)
    check_readable(figure)
    files = {form: plots.render(figure, form, said) for form in plots.FORMATS}
    assert max(map(len, files.values())) < 2_000_000
    assert not [each for each in ET.fromstring(files["svg"]).iter() if each.tag.endswith("script")]
    assert b"<script" not in files["svg"]
    assert "\u202e".encode() not in files["svg"]
    assert any(run.scenario.hash[:8] in each.get_text() for each in texts(figure))


@pytest.mark.parametrize("kind", KINDS)
def test_a_crowd_of_missions_is_readable(tmp_path, kind):
    figure = draw(kind, replay(tmp_path, CROWDED))
    check_readable(figure)
    said = [each.get_text() for each in texts(figure)]
    if kind == "trajectory":
        assert "fall 06:30" in said
        assert len(lanes(figure)) == 18
        assert any(each.startswith("6 more missions are not shown") for each in said)
    else:
        assert {"fall\N{NO-BREAK SPACE}3×", "rise\N{NO-BREAK SPACE}12×", "● s0 · start: 3 · end: 12", "none: all were used"} <= set(said)


@pytest.mark.slow
def test_a_full_sheet_says_what_it_leaves_out():
    run = RUNS["iran-pakistan-2024"]
    plain = [step for step in run.steps if not step.moves]
    many = sorted((dataclasses.replace(step, tick=step.tick + 7 * 3600 * 10**6 * k) for step in plain for k in range(6)), key=lambda step: step.tick)
    figure = plots.trajectory(dataclasses.replace(run, steps=tuple(many))).figure
    assert any("events are shown without a label" in each.get_text() for each in texts(figure))
    check_readable(figure)


def test_very_many_actors_share_their_rows(tmp_path):
    events = [f"  - {{id: protest_{number}, date: 1950-08-0{number % 9 + 1}, actor: {key}, action: protest}}" for number, key in enumerate(OTHERS)]
    figure = plots.trajectory(replay(tmp_path, CROWDED + "\n".join(events))).figure
    check_readable(figure)
    assert len(marks(figure)) == len(OTHERS) + 3
    assert "Events" in [each.get_text() for each in texts(figure)]


def test_a_variant_is_told_from_history():
    run = RUNS["iran-pakistan-2024"]
    steps = (dataclasses.replace(run.steps[0], moot=True), *run.steps[1:])
    figure = plots.trajectory(dataclasses.replace(run, steps=steps, draws="seed 1, trajectory 7")).figure
    assert any("one possible run, seed 1, trajectory 7" in each.get_text() for each in texts(figure))
    assert {patch.get_edgecolor() for patch in lanes(figure).values()} == {matplotlib.colors.to_rgba(palette.MODEL)}
    assert marks(figure)[0].get_marker() == "x"
    assert marks(drawn("iran-pakistan-2024", "trajectory"))[0].get_marker() == "o"


HEADLINES = {
    "iran-pakistan-2024": "Both ambassadors away for 9 days; restored on 26 January 2024",
    "iraq-iran-2024": "Iraq’s ambassador in Iran away for about 30 days; back about 14 February 2024",
    "saudi-iran-2016": "10 of 11 missions changed, 6 as far as ‘severed’; 5 back at their old level by 5 September 2023",
}


@pytest.mark.parametrize("name", SHIPPED)
def test_the_title_is_the_finding(name):
    assert captions.headline(RUNS[name]) == HEADLINES[name]
    said = [each.get_text() for each in texts(drawn(name, "trajectory"))]
    assert HEADLINES[name] in said
    assert f"{RUNS[name].scenario.title} · replay of the record · scenario {RUNS[name].scenario.hash[:8]}" in said


def test_other_findings(tmp_path):
    assert captions.headline(replay(tmp_path, NO_MISSION)) == "No mission changed its status"
    assert captions.headline(replay(tmp_path, TINY)) == "Alphaland’s ambassador in Betastan away from 4 May 2020 to the end of the record"
    assert captions.headline(replay(tmp_path, USER)) == (
        "Both missions changed, both as far as ‘war’; both back at their old level by about 1 September 1989"
    )
    severed = TINY.replace("recall_envoy", "sever_relations")
    assert captions.headline(replay(tmp_path, severed)) == "Both missions ‘severed’ from 4 May 2020 to the end of the record"
    better = TINY.replace("recall_envoy", "upgrade_relations").replace("period", "start: {AAA->BBB: downgraded, BBB->AAA: downgraded}\nperiod")
    assert captions.headline(replay(tmp_path, better)) == "Both missions changed, none for the worse"
    still = NO_MISSION.replace("period", "start: {AAA->BBB: downgraded}\nperiod")
    assert captions.headline(replay(tmp_path, still)) == "No mission changed its status: ‘downgraded’ throughout"


@pytest.mark.parametrize("name", SHIPPED)
def test_the_description_holds_dates_and_end_values(name):
    run = RUNS[name]
    said = plots.describe_trajectory(run)
    assert said.startswith(HEADLINES[name])
    for mission in run.scenario.missions:
        assert f"{captions.mission_name(run.scenario, mission)}: {captions.words(run.scenario.initial[mission])}" in said
    final = said.split("At the end, ")[1]
    for status, missions in captions.ends(run).items():
        assert f"{captions.words(status)}: {', '.join(captions.mission_name(run.scenario, each) for each in missions)}" in final
    for step in run.steps:
        if step.moves:
            assert captions.dated(run.moment(step).date()) in said
    diagram = plots.describe_diagram(run)
    for source, dest in captions.taken(run):
        assert f"From {captions.words(source)} to {captions.words(dest)}: " in diagram


def test_the_diagram_shows_all_ways_and_draws_those_taken_strongly():
    run = RUNS["saudi-iran-2016"]
    arrows = [patch for axes in drawn("saudi-iran-2016", "diagram").axes for patch in axes.patches if type(patch).__name__ == "FancyArrowPatch"]
    strong = [patch for patch in arrows if patch.get_linestyle() in ("-", "solid")]
    key = 1  # one of each kind explains the lines
    assert len(strong) == len(captions.taken(run)) + key == 11 + key
    assert len(arrows) == len(captions.ways(run.scenario)) + 2 * key
    assert min(patch.get_linewidth() for patch in strong) > 2 * max(patch.get_linewidth() for patch in arrows if patch not in strong)
    said = [line for each in texts(drawn("saudi-iran-2016", "diagram")) for line in each.get_text().split("\n")]
    assert "end: BHR⇄IRN SDN⇄IRN" in said
    assert "sever relations\N{NO-BREAK SPACE}4×" in said


def test_the_palette():
    simple = palette.looks(ladder.load_shipped("simple"))
    known = {status: simple[status] for status in ("normal", "downgraded", "envoys_recalled", "restored")}
    assert {status: (look.fill, look.glyph) for status, look in known.items()} == {
        "normal": ("#B0D7F4", "●"),
        "downgraded": ("#F2A71B", "▲"),
        "envoys_recalled": ("#AF2104", "■"),
        "restored": ("#053E4B", "◆"),
    }
    for name in ladder.shipped():
        looks = palette.looks(ladder.load_shipped(name))
        assert len({look.glyph for look in looks.values()}) == len({look.fill for look in looks.values()}) == len(looks)
        for look in looks.values():
            light, dark = sorted(map(_luminance, (look.fill, look.ink)), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 4.3
    ramp = [_luminance(look.fill) for look in palette.looks(ladder.load_shipped("missions")).values()]
    assert ramp == sorted(ramp, reverse=True)


def _luminance(colour: str) -> float:
    parts = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in matplotlib.colors.to_rgb(colour)]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def test_descriptions_are_kept_in_the_file(tmp_path):
    figure = drawn("iraq-iran-2024", "trajectory")
    said = plots.describe_trajectory(RUNS["iraq-iran-2024"])
    assert Image.open(plots.save(figure, tmp_path / "a.png", description=said)).text["Description"] == said
    root = ET.fromstring(plots.render(figure, "svg", said + " <&>"))
    (desc,) = [each for each in root if each.tag.endswith("}desc")]
    assert desc.text == said + " <&>"
    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == desc.get("id")
    assert said.encode("utf-16-be")[:40] in plots.render(figure, "pdf", said)


def test_saving_overwrites_nothing_unasked(tmp_path):
    figure = drawn("iraq-iran-2024", "trajectory")
    path = tmp_path / "new" / "figure.SVG"
    assert plots.save(figure, str(path)) == path
    assert plots.save(figure, path) == path  # the same bytes are no conflict
    path.write_text("mine")
    with pytest.raises(files.OccupiedError):
        plots.save(figure, path)
    assert path.read_text() == "mine"
    plots.save(figure, path, force=True)
    assert path.read_bytes().startswith(b"<?xml")


def test_unknown_formats_are_refused(tmp_path):
    for name in ("a.gif", "a"):
        with pytest.raises(ValueError, match="png, svg or pdf"):
            plots.save(drawn("iraq-iran-2024", "trajectory"), tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_a_trajectory_plots_itself():
    assert isinstance(RUNS["iraq-iran-2024"].plot(), Figure)


@pytest.mark.parametrize(
    ("command", "seen"),
    [
        ("iraq-iran-2024 trajectory --runs 2 --seed 3", "2 of the variants"),
        ("iraq-iran-2024 events", "high confidence"),
        ("iraq-iran-2024 ways -n 40 --from 2024-01-17", "from 17 Jan 2024"),
        ("iran-pakistan-2024 fan -n 40 --of border_incident", "border incident"),
        ("iran-pakistan-2024 cumulative -n 40 --draws 3 --question days_to_return", "3 parameter draws"),
        ("iraq-iran-2024 sweep -n 40 --vary 'return_announced.median=10 days:20 days:10 days'", "as the median of return announced"),
        ("iraq-iran-2024 tornado -n 40", "one range at a time"),
    ],
)
def test_the_command_draws_every_kind(escsim: Callable[..., Any], tmp_path: Path, command: str, seen: str) -> None:
    done = escsim("plot", *shlex.split(command), "--csv", "--json", "-o", tmp_path / "x.svg")
    assert done.code == 0, done.err
    data = json.loads(done.out)
    assert data["kind"] == command.split(" ")[1]
    assert seen in data["description"]
    assert (tmp_path / "x.csv").read_text().count("\n") > 2
    assert b"</svg>" in (tmp_path / "x.svg").read_bytes()


@pytest.mark.slow
def test_the_command_animates(escsim: Callable[..., Any], tmp_path: Path) -> None:
    done = escsim("plot", "iraq-iran-2024", "animate", "-o", tmp_path / "x.gif")
    assert (done.code, done.out) == (0, f"{tmp_path / 'x.gif'}\n")
    assert (tmp_path / "x.gif").read_bytes().startswith(b"GIF89a")
    assert (tmp_path / "x.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("sweep", "a sweep needs --vary"),
        ("trajectory --vary a.b=0:1:1", "--vary goes with sweep; not with trajectory"),
        ("fan --of PAK-IRN -n 20", "use occupancy or cumulative"),
        ("occupancy --from 2025-01-01", "lies outside the period"),
    ],
)
def test_what_cannot_be_drawn_is_refused(escsim: Callable[..., Any], command: str, message: str) -> None:
    done = escsim("plot", "iran-pakistan-2024", *command.split(" "))
    assert (done.code, done.out) == (2, "")
    assert message in " ".join(done.err.split())
