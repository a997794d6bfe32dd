"""The command that draws: which kinds of picture there are, what each is drawn from, and which options go with it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from contextlib import suppress
from datetime import date as Day
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from escsim.cli.common import (
    as_json,
    cli,
    force,
    from_day,
    lean,
    load_scenario,
    progress_bar,
    put_data,
    quiet,
    read_day,
    read_what_if,
    refusing,
    runs,
    seeded,
    suffix_of,
    sweep,
    talk,
    width_of,
    write_files,
)

if TYPE_CHECKING:
    from escsim.ensemble import Ensemble
    from escsim.scenario import Scenario
    from escsim.sensitivity import Sensitivity
    from escsim.style import Picture
    from escsim.summary import Found
    from escsim.trajectory import Trajectory


class Kind(NamedTuple):
    """A kind of picture: what it is drawn from, the options that go with it beside those of all, and what it shows."""

    source: str
    options: tuple[str, ...]
    shows: str


VARIED = ("n", "seed", "from_", "unit")
KINDS = {
    "trajectory": Kind("replay", ("behind", "seed"), "a lane for each mission, with the events; --runs 20 lays variants behind it"),
    "events": Kind("replay", (), "the record alone: each event in the lane of its actors"),
    "diagram": Kind("replay", (), "the ladder of statuses, with what fired"),
    "ways": Kind("ensemble", ("n", "seed", "from_"), "the ladder, with how many variants took each way"),
    "occupancy": Kind("ensemble", VARIED, "in how many variants a mission or pair is in each status, day by day"),
    "cumulative": Kind("ensemble", (*VARIED, "question", "draws"), "in how many variants ties are restored by each day, or --question comes about"),
    "durations": Kind("ensemble", (*VARIED, "question"), "for how long they are down, or what --question says, as 20 dots"),
    "difference": Kind("comparison", (*VARIED, "name", "status"), "what a what-if changes, day by day, in paired runs"),
    "fan": Kind("ensemble", VARIED, "how often an event (--of) has happened by each day: median and bands"),
    "sweep": Kind("sweep", ("n", "seed", "vary", "question"), "an answer along one number of the file (--vary)"),
    "tornado": Kind("sensitivity", ("n", "seed", "question"), "which of the ranges that the file states move an answer"),
    "animate": Kind("replay", (), "the trajectory event by event, as a .gif, with a contact sheet for print"),
}
DRAWS, SKETCH = 100, 1000  # of the numbers within their ranges, and the variants of each


@cli.command(epilog="KIND is one of\n\n\b\n" + "\n".join(f"{name:11} {kind.shows}" for name, kind in KINDS.items()))
@click.argument("s")
@click.argument("kind", type=click.Choice([*KINDS]), metavar="KIND")
@runs
@seeded
@from_day
@click.option("--of", "unit", metavar="WHO", help="The mission or pair; of a fan the event.")
@click.option("--question", metavar="NAME", help="A question of the file.")
@click.option("--vary", metavar="NAME=LOW:HIGH:STEP", help="The number of a sweep, such as call_2.probability=0:1:0.1.")
@click.option(
    "--draws", type=click.IntRange(0, 10_000), metavar="M", help=f"Of numbers within their ranges, for bands; {DRAWS} if the file states any."
)
@click.option("--runs", "behind", type=click.IntRange(0, 20), metavar="K", help="Variants 0 to K-1 behind the trajectory.")
@click.option("--what-if", "name", metavar="NAME", help="One of the file's `what_if`; by default the first.")
@click.option("--status", multiple=True, metavar="STATUS", help="Statuses or groups; by default those below the level of the start.")
@click.option("--csv", "csv_", is_flag=True, help="The numbers too, in a file beside the picture.")
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File to write (.png, .svg, .pdf; .gif of animate); NAME-KIND.png by default.",
)
@click.option("--print", "paper", is_flag=True, help="Draw for A4 paper instead of a screen.")
@force
@quiet
@as_json
@click.pass_context
def plot(
    ctx: click.Context, /, s: str, kind: str, csv_: bool, out: Path | None, paper: bool, force: bool, quiet: bool, json_: bool, **options: Any
) -> None:
    """Draw S: its trajectory, its ladder, or its variants."""
    from escsim import files, plots

    given = {name: value for name, value in options.items() if value not in (None, ())}
    for name in given:
        if name not in KINDS[kind].options:
            option = next(each.opts[0] for each in ctx.command.params if each.name == name)
            raise click.UsageError(f"{option} goes with {', '.join(each for each in KINDS if name in KINDS[each].options)}; not with {kind}")
    if {"unit", "question"} <= given.keys():
        raise click.UsageError("--of does not go with --question, which says itself whom it is about")
    scenario = load_scenario(s)
    moving = kind == "animate" and (out is None or out.suffix.lower() == ".gif")
    path = out or Path(f"{scenario.name}-{kind}.{'gif' if moving else 'png'}")
    suffix = "png" if moving else suffix_of(path)
    picture = _picture(scenario, kind, given, quiet=quiet, paper=paper)
    contents = {path.with_suffix(".png") if moving else path: plots.render(picture.figure, suffix, picture.description)}
    if moving and picture.moving is not None:
        contents = {path: picture.moving, **contents}
    if csv_:
        contents[path.with_suffix(".csv")] = files.as_csv(picture.rows)
    write_files(contents, force=force)
    if json_:
        put_data({"scenario": scenario.name, "hash": scenario.hash, "kind": kind, "file": str(path), "description": picture.description})
    else:
        click.echo(path)
        talk(quiet, textwrap.fill(picture.description, width_of()))


def _picture(scenario: Scenario, kind: str, given: dict[str, Any], *, quiet: bool, paper: bool) -> Picture:
    """Draw a picture of a kind from what it is drawn from; takes from the options those that say what that is."""
    from escsim import plots

    source, n, seed = KINDS[kind].source, given.pop("n", None), given.pop("seed", None)
    drawn: list[Any]
    with lean(), refusing():
        if source == "replay":
            if kind != "diagram" and scenario.history() is None:
                raise click.UsageError(f"{scenario.name} has no history to draw: no event has a date")
            drawn = [scenario.replay()]
            if behind := given.pop("behind", 0):
                given["runs"] = variants_behind(scenario, behind, seed)
        elif source == "sweep":
            vary = given.pop("vary", None)
            if vary is None:
                raise click.UsageError("a sweep needs --vary NAME=LOW:HIGH:STEP, such as --vary call_2.probability=0:1:0.1")
            drawn = [sweep(scenario, vary, n, seed, None, quiet=quiet)]
        elif source == "sensitivity":
            drawn = [sensitivity(scenario, given.pop("question", None), n, seed, quiet=quiet)]
        else:
            day = read_day(scenario, given.pop("from_", None))
            drawn = ensembles(scenario, given.pop("name", None), n, seed, day, quiet=quiet, paired=source == "comparison")
            if "draws" in KINDS[kind].options:
                given["draws"] = drawn_within(scenario, given.pop("draws", None), drawn[0].seed, day)
        return plots.PICTURES[kind](*drawn, paper=paper, **given)


def drawings(found: Found) -> Iterator[tuple[str, Picture]]:
    """Draw every kind of picture that a scenario has something for, but for those that want to be asked for, one after the other."""
    from escsim import plots
    from escsim.errors import AskedError
    from escsim.ranges import ranges
    from escsim.summary import leading_what_if

    scenario, ensemble, strongest = found.scenario, found.ensemble, leading_what_if(found)
    drawn: dict[str, list[Any] | None] = {
        "replay": None if found.history is None else [found.history],
        "ensemble": [ensemble],
        "comparison": None if strongest is None else [ensemble, found.comparisons[strongest].changed],
        "sensitivity": [sensitivity(scenario, None, ensemble.n, ensemble.seed, quiet=True)] if ranges(scenario) and scenario.questions else None,
    }
    for kind, draw in plots.PICTURES.items():
        of = drawn.get(KINDS[kind].source)
        if of is None or kind == "animate":
            continue
        options = {"draws": drawn_within(scenario, None, ensemble.seed, None)} if "draws" in KINDS[kind].options else {}
        with suppress(AskedError):  # no missions, no event that may happen more than once
            yield kind, draw(*of, **options)


def ensembles(scenario: Scenario, name: str | None, n: int | None, seed: int | None, day: Day | None, *, quiet: bool, paired: bool) -> list[Ensemble]:
    """Run the variants of a picture, and if they are to be compared also those under a what-if of the file, by default its first."""
    name = name or next(iter(scenario.what_if), None)
    if paired and name is None:
        raise click.UsageError("this file has no `what_if`; `escsim whatif` compares with a change said on the spot")
    many = n or scenario.variants.runs
    with progress_bar(many * (1 + paired), quiet) as progress:
        found = [scenario.simulate(n, seed, given=day, progress=progress)]
        if paired:
            more = progress and (lambda done: progress(many + done))
            found.append(scenario.simulate(n, seed, given=day, intervention=read_what_if(scenario, name, {}), progress=more))
    return found


def variants_behind(scenario: Scenario, many: int, seed: int | None) -> list[Trajectory]:
    """Give the first variants of a seed, to be laid behind a trajectory."""
    from escsim.ensemble import trajectory

    return [trajectory(scenario, i, seed=seed) for i in range(many)]


def drawn_within(scenario: Scenario, many: int | None, seed: int, day: Day | None) -> Iterator[Ensemble]:
    """Run variants at numbers drawn within the ranges that a file states, if it states any; one set after the other, which takes less room."""
    from escsim.ranges import draws, ranges

    if ranges(scenario) and many != 0:
        yield from (each.simulate(SKETCH, seed, given=day) for each in draws(scenario, many or DRAWS, seed))


def sensitivity(scenario: Scenario, question: str | None, n: int | None, seed: int | None, *, quiet: bool) -> Sensitivity:
    """Run a scenario at both ends of each range that it states."""
    from escsim import sensitivity as study
    from escsim.ranges import ranges

    many = (2 * len(ranges(scenario)) + 1) * (n or scenario.variants.runs)
    with progress_bar(many, quiet) as progress:
        return study.sensitivity(scenario, question, n, seed, points=0, progress=progress)
