"""The command line. Data goes to stdout, talk to stderr; heavy modules are imported inside the commands that need them.

Exit codes: 0 done, 1 the input is wrong, 2 the command line is wrong, 70 a fault of escsim's own, 130 interrupted.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import date as Day
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import click

from escsim import __version__

if TYPE_CHECKING:
    from escsim.report import Line
    from escsim.scenario import Intervention, Scenario
    from escsim.style import Picture

HELP = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
STYLES: dict[str, dict[str, Any]] = {
    "bold": {"bold": True},
    "dim": {"dim": True},
    "worse": {"fg": "yellow", "bold": True},
    "better": {"fg": "cyan", "bold": True},
}


class Kind(NamedTuple):
    """A kind of picture: what it is drawn from, the options that go with it beside those of all, and what it shows."""

    source: str
    options: tuple[str, ...]
    shows: str


VARIED = ("n", "seed", "unit")
KINDS = {
    "trajectory": Kind("replay", (), "a lane for each mission, with the events"),
    "diagram": Kind("replay", (), "the ladder of statuses, with what fired"),
    "occupancy": Kind("ensemble", VARIED, "in how many variants a mission or pair is in each status, day by day"),
    "cumulative": Kind("ensemble", (*VARIED, "question"), "in how many variants ties are restored by each day, or --question comes about"),
    "durations": Kind("ensemble", (*VARIED, "question"), "for how long they are down, or what --question says, as 20 dots"),
    "difference": Kind("comparison", (*VARIED, "name", "status"), "what a what-if changes, day by day, in paired runs"),
}
FORMATS = ("png", "svg", "pdf")
NARROWEST, WIDEST = 72, 120
SCHEMA_FILE = "escsim.schema.json"


@click.group(context_settings=HELP, invoke_without_command=True)
@click.version_option(__version__, prog_name="escsim", message="%(prog)s %(version)s")
@click.option("--debug", is_flag=True, expose_value=False, help="Show the traceback of a fault of escsim's own.")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Replay and vary diplomatic crises told as scenario files, with the reason for every step.

    S is a file, or the name of a scenario that ships with escsim.

    \b
    escsim run iran-pakistan-2024         replay, and pictures under out/
    escsim replay iran-pakistan-2024      what happened, event by event
    escsim simulate iran-pakistan-2024    how else it could have gone, and how often
    escsim new my-crisis                  a file to start from, then: escsim check my-crisis.yaml
    """  # noqa: D301 -- \b is click's mark for "do not rewrap"
    if ctx.invoked_subcommand is None:
        from escsim.library import shipped

        click.echo(ctx.get_help())
        click.echo("\nScenarios that ship with escsim:\n  " + "\n  ".join(shipped()))


as_json = click.option("--json", "json_", is_flag=True, help="Print JSON instead of text.")
force = click.option("--force", is_flag=True, help="Replace files that are already there.")
runs = click.option("-n", "n", type=click.IntRange(1, 10**10), metavar="N", help="How many variants; by default as many as the file says.")
seeded = click.option("--seed", type=click.IntRange(0, 2**64 - 1), metavar="SEED", help="Of all chance; by default the file's.")
threaded = click.option(
    "--threads", type=click.IntRange(1, 1024), metavar="N", help="By default one for each processor. The result does not depend on it."
)
daily = click.option("--daily", is_flag=True, help="Print every day instead of about a dozen.")
quiet = click.option("-q", "--quiet", is_flag=True, help="Print no talk.")


@cli.command()
@click.argument("s")
@click.option("-o", "--out", type=click.Path(path_type=Path, file_okay=False), help="Folder for the results; out/NAME by default.")
@click.option("--format", "formats", type=click.Choice(FORMATS), multiple=True, default=("png", "svg"), show_default=True, help="Of the pictures.")
@force
@quiet
@as_json
def run(s: str, out: Path | None, formats: tuple[str, ...], force: bool, quiet: bool, json_: bool) -> None:
    """Replay S, tell it, and write pictures and data."""
    from escsim import plots, report

    scenario = _load(s)
    trajectory = scenario.replay()
    folder = out or Path("out") / scenario.name
    data = trajectory.to_dict()
    contents = {folder / "replay.json": _json(data), folder / "replay.csv": report.to_csv(trajectory).encode()}
    for kind in ("trajectory", "diagram"):
        picture = plots.PICTURES[kind](trajectory)
        for suffix in dict.fromkeys(formats):
            contents[folder / f"{kind}.{suffix}"] = plots.render(picture.figure, suffix, picture.description)
    _write(contents, force=force, instead=", or -o FOLDER for another place")
    if json_:
        _data({**data, "files": [str(path) for path in contents]})
    else:
        _print(report.replay(trajectory, width=_width(), ascii_only=_ascii_only()))
    _talk(
        quiet or json_,
        f"\nresults: {', '.join(map(str, contents))}\n"
        f"next: escsim replay {shlex.quote(s)} --why     the reasons, and what might have happened and did not",
    )


@cli.command()
@click.argument("s")
@click.option("--until", metavar="DATE", help="Stop after this day.")
@click.option("--why", is_flag=True, help="Say why each step moved what it moved, and why what might have happened did not.")
@as_json
@quiet
def replay(s: str, until: str | None, why: bool, json_: bool, quiet: bool) -> None:
    """Tell what happened in S, event by event."""
    from escsim import report

    scenario = _load(s)
    trajectory = scenario.replay()
    last = _day(scenario, until)
    if json_:
        data = trajectory.to_dict()
        if last is not None:
            data["days"] = {day: held for day, held in data["days"].items() if day <= last.isoformat()}
            data["steps"] = [step for step in data["steps"] if step["date"] <= last.isoformat()]
            data["not_happened"] = []  # what has not happened by then may still
        _data(data)
        return
    _print(report.replay(trajectory, width=_width(), why=why, until=last, ascii_only=_ascii_only()))
    if not why:
        _talk(quiet, f"\nnext: escsim replay {shlex.quote(s)} --why")


@cli.command()
@click.argument("s")
@runs
@seeded
@threaded
@click.option(
    "--precision", type=click.FloatRange(1e-5, 0.5), metavar="P", help="As many variants as make every share certain to within P, such as 0.002."
)
@daily
@as_json
@quiet
def simulate(s: str, n: int | None, seed: int | None, threads: int | None, precision: float | None, daily: bool, json_: bool, quiet: bool) -> None:
    """Run Monte Carlo variants of S.

    Where the missions stand day by day, and what became of each event. Trajectory i of a seed is the same on every
    machine, whatever N and the threads.
    """
    from dataclasses import replace

    from escsim import exact, report
    from escsim.errors import ScenarioError
    from escsim.intervals import enough

    if precision is not None:
        if n is not None:
            raise click.UsageError("give -n or --precision, which says how many it takes, not both")
        n = enough(precision)
    scenario = _load(s)
    with _lean(), _progress(n or scenario.variants.runs, quiet) as progress:
        ensemble = scenario.simulate(n, seed, threads, progress=progress)
        answers = ensemble.answers(threads=threads)
    solved = None
    if exact.memoryless(scenario):
        with suppress(ScenarioError):  # too large a chain to be solved on the way
            solved = exact.solve(scenario, most=10_000)
            answers = {name: replace(each, exact=solved.answer(scenario, scenario.questions[name])) for name, each in answers.items()}
    if json_:
        data = ensemble.to_dict()
        if solved is not None:
            shares = solved.told(solved.occupancy)
            data["exact"] = {mission: shares[mission] for mission in scenario.missions}
        data["questions"] = {name: {"text": scenario.questions[name].text, **each.to_dict()} for name, each in answers.items()}
        _data(data)
    else:
        _print(report.ensemble(ensemble, width=_width(), daily=daily, exact=None if solved is None else solved.occupancy))
        if answers:
            _print(report.answers(scenario, answers, width=_width()))


@cli.command()
@click.argument("s")
@click.argument("date", required=False)
@click.option("--run", type=click.IntRange(0, 10**10 - 1), metavar="I", help="Explain variant I instead of history.")
@click.option("--seed", type=click.IntRange(0, 2**64 - 1), metavar="SEED", help="Of the variant; by default the file's.")
@as_json
def why(s: str, date: str | None, run: int | None, seed: int | None, json_: bool) -> None:
    """Explain what happened in S on DATE, and what did not.

    What led to each event, what it moved, and what was open but did not come about. Without DATE the whole run is told.
    """
    from escsim import explain, report

    if seed is not None and run is None:
        raise click.UsageError("--seed goes with --run")
    scenario = _load(s)
    day = _day(scenario, date)
    if run is None:
        trajectory = scenario.replay()
    else:
        from escsim import ensemble

        with _lean():
            trajectory = ensemble.trajectory(scenario, run, seed=seed)
    if day is None and json_:
        _data(trajectory.to_dict())
    elif day is None:
        _print(report.replay(trajectory, width=_width(), why=True, ascii_only=_ascii_only()))
    elif json_:
        _data(explain.told(trajectory, day))
    else:
        _print(report.why(trajectory, day, width=_width()))


def _day(scenario: Scenario, date: str | None) -> Day | None:
    """Read a day of a scenario's period."""
    try:
        day = Day.fromisoformat(date) if date else None
    except ValueError:
        raise click.UsageError(f"{date!r} is no day; days are written YYYY-MM-DD, such as 2024-01-26") from None
    if day and not scenario.period.from_.day <= day <= scenario.period.to.day:
        raise click.UsageError(f"{day} lies outside the period, {scenario.period.from_} to {scenario.period.to}")
    return day


@cli.command()
@click.argument("s")
@click.argument("name", required=False)
@click.option("--remove", multiple=True, metavar="EVENT", help="It comes to nothing.")
@click.option("--move", multiple=True, metavar="EVENT=DATE", help="Once it is called it happens then.")
@click.option("--force", multiple=True, metavar="EVENT=DATE", help="It happens then and only then, whatever else does.")
@click.option("--choose", multiple=True, metavar="CHOICE=OPTION", help="This is decided.")
@click.option("--set", "set_", multiple=True, metavar="EVENT.KEY=VALUE", help="Another probability or delay.")
@runs
@seeded
@threaded
@click.option("--run", type=click.IntRange(0), metavar="I", help="Show where variant I parts from its twin.")
@as_json
@quiet
def whatif(
    s: str, name: str | None, n: int | None, seed: int | None, threads: int | None, run: int | None, json_: bool, quiet: bool, **changes: Any
) -> None:
    """Compare the variants of S with their twins under a what-if.

    NAME is one of the file's `what_if`; or say the change yourself. Every variant and its twin take the same chances, so
    what differs is the change's doing.
    """
    from escsim import report
    from escsim.effects import effect

    scenario = _load(s)
    intervention = _intervention(scenario, name, changes)
    many = n or scenario.variants.runs
    if run is not None and run >= many:
        raise click.UsageError(f"--run: variants are numbered 0 to {many - 1}")
    with _lean(), _progress(2 * many, quiet) as progress:
        base = scenario.simulate(n, seed, threads, progress=progress)
        changed = scenario.simulate(n, seed, threads, intervention=intervention, progress=progress and (lambda done: progress(many + done)))
        found = effect(base, changed, threads=threads)
    if json_:
        _data(found.to_dict() if run is None else {**found.to_dict(), "parting": found.told(run)})
    else:
        _print(report.comparison(found, name, run=run, width=_width()))


def _intervention(scenario: Scenario, name: str | None, changes: dict[str, Any]) -> Intervention:
    """Give the what-if of that name in the file, or the one that the options say."""
    from escsim.errors import ScenarioError, quoted, suggest
    from escsim.library import what_if
    from escsim.reading import parse

    if not any(changes.values()):
        if name in scenario.what_if:
            return scenario.what_if[name]
        if name is None:
            names = f" ({', '.join(scenario.what_if)})" if scenario.what_if else ""
            raise click.UsageError(f"say what to change: a NAME of the file's `what_if`{names}, or --remove, --move, --force, --choose, --set")
        raise click.UsageError(f"there is no what-if {quoted(name)}: {suggest(name, scenario.what_if, 'known what-if names')}")
    if name is not None:
        raise click.UsageError("give the NAME of a what-if or say the change yourself, not both")
    said: dict[str, Any] = {"remove": list(changes["remove"])} if changes["remove"] else {}
    try:
        for kind in ("move", "force", "choose", "set_"):
            for each in changes[kind]:
                what, equals, value = each.partition("=")
                option = "--" + kind.strip("_")
                event, dot, key = what.partition(".")
                if not equals or bool(dot) != (kind == "set_"):
                    raise click.UsageError(
                        f"{option}: it is written {option} {'EVENT.probability=0.3' if kind == 'set_' else 'NAME=...'}, not {quoted(each)}"
                    )
                given = parse(f"value: {value}", option).root.plain()["value"] if kind == "set_" else value
                part = said.setdefault(kind.strip("_"), {})
                if what in part or key in part.get(event, {}):
                    raise click.UsageError(f"{option}: {quoted(what)} is given twice")
                part |= {what: given} if kind != "set_" else {event: part.get(event, {}) | {key: given}}
        return what_if(scenario, said)
    except ScenarioError as error:
        told = [": ".join(filter(None, (problem.message.replace("what_if.asked.", "--"), problem.remedy))) for problem in error.problems]
        raise click.UsageError("\n".join(told)) from None


@contextmanager
def _lean() -> Iterator[None]:
    """Keep numba from importing what takes its time and is of no use here: SciPy's linear algebra, and coverage where that is installed."""
    names = [name for name in ("scipy.linalg.cython_blas", "coverage") if name not in sys.modules]
    sys.modules.update(dict.fromkeys(names))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in names:
            del sys.modules[name]


@contextmanager
def _progress(n: int, quiet: bool) -> Iterator[Callable[[int], None] | None]:
    """Show how far a long run has come, and why nothing moves at first, where somebody sees it."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from threading import Timer

    compiling = Timer(2, click.echo, ["compiling the simulation for this computer: some ten seconds, once"], {"err": True})
    compiling.daemon = True
    compiling.start()
    try:
        with click.progressbar(length=n, label="variants", file=sys.stderr, show_pos=True, hidden=n < 1_000_000) as bar:

            def show(done: int) -> None:
                compiling.cancel()
                bar.update(done - bar.pos)

            yield show
    finally:
        compiling.cancel()


@cli.command("exact")
@click.argument("s")
@daily
@as_json
def exact_(s: str, daily: bool, json_: bool) -> None:
    """Solve S exactly, if it is a Markov chain.

    That is, if every delay is exponential. Where the missions stand day by day, how long they spend in each status, and when they first reach it.
    """
    from escsim import exact, report

    scenario = _load(s)
    solved = exact.solve(scenario).to_dict()
    if json_:
        _data({"scenario": scenario.name, "hash": scenario.hash, **solved})
    else:
        _print(report.exact(scenario, solved, width=_width(), daily=daily))


@cli.command()
@click.argument("s", nargs=-1, required=True)
@as_json
@quiet
def check(s: tuple[str, ...], json_: bool, quiet: bool) -> None:
    """Say all that is wrong with each S.

    Its form, its names and dates, and whether its history is a run of its model: every fault with its line and a remedy.
    """
    from escsim.errors import Place, Problem, ScenarioError, plain
    from escsim.library import load
    from escsim.replay import violations

    found = []
    for each, path in [(each, _find(each)) for each in s]:
        told = ""
        try:
            scenario = load(path)
            error = ScenarioError(violations(scenario.replay()))
            told = f"{plain(str(path), 200)}: in order: {_counted(scenario)}"
        except ScenarioError as raised:
            error = raised
        except OSError as raised:
            error = ScenarioError([Problem(Place(str(path)), f"cannot be read: {raised.strerror or raised}")])
        problems = [{**place._asdict(), "message": message, "remedy": remedy} for place, message, remedy in error.problems]
        found.append({"scenario": each, "ok": not problems, "problems": problems})
        if problems and not json_:
            click.echo(str(error), err=True)
        elif not json_ and not quiet:
            click.echo(told)
    if json_:
        _data(found)
    if not all(each["ok"] for each in found):
        sys.exit(1)


def _counted(scenario: Scenario) -> str:
    dated = sum(event.date is not None for event in scenario.events)
    parts = [f"{dated} dated events replay"]
    if others := len(scenario.events) - dated:
        parts.append(f"{others} might have happened")
    parts.append(f"{len(scenario.missions)} mission{'s' * (len(scenario.missions) != 1)}")
    if scenario.observed:
        parts.append(f"{sum(map(len, scenario.observed.values()))} observed statuses hold")
    return ", ".join(parts)


@cli.command("list")
@click.option("--actions", "what", flag_value="actions", help="The vocabulary of actions.")
@click.option("--ladders", "what", flag_value="ladders", help="The ladders that ship with escsim.")
@as_json
def list_(what: str | None, json_: bool) -> None:
    """List the scenarios, actions or ladders that ship."""
    from escsim import actions, ladder, library, report

    data: dict[str, Any]
    rows: list[tuple[str, ...]]
    if what == "actions":
        words = actions.shipped()
        data = {name: action.model_dump(exclude_none=True) for name, action in words.items()}
        head = ["action", "CAMEO", "PLOVER", "what it means (those marked * move missions and need a ladder that knows them)"]
        rows = [(name + "*" * action.moves_missions, action.cameo or "-", action.plover or "-", action.text) for name, action in words.items()]
    elif what == "ladders":
        steps = {name: ladder.load_shipped(name) for name in ladder.shipped()}
        data = {name: each.model_dump(mode="json", by_alias=True) for name, each in steps.items()}
        head = ["ladder", "statuses, mildest first"]
        rows = [(name, " < ".join(each.statuses)) for name, each in steps.items()]
    else:
        scenarios = {name: library.load(path) for name, path in library.shipped().items()}
        data = {name: {"title": scenario.title, "missions": scenario.missions} for name, scenario in scenarios.items()}
        head = ["scenario", "title"]
        rows = [(name, scenario.title) for name, scenario in scenarios.items()]
    if json_:
        _data(data)
    else:
        _print(report.columns(head, rows, _width()))


@cli.command()
@click.argument("s")
@click.option("--yaml", "yaml_", is_flag=True, help="Print the file itself.")
@as_json
def show(s: str, yaml_: bool, json_: bool) -> None:
    """Describe S: missions, ladder, events, choices, limits."""
    from escsim import report

    scenario = _load(s)
    if yaml_:
        click.echo(_find(s).read_bytes(), nl=False)
    elif json_:
        said = scenario.model_dump(mode="json", by_alias=True, exclude_none=True)
        _data({"name": scenario.name, "hash": scenario.hash, "missions": scenario.missions, **said})
    else:
        _print(report.show(scenario, width=_width()))


@cli.command()
@click.argument("name")
@click.option("--from", "from_", metavar="S", help="Copy this scenario instead of the commented example.")
@force
@quiet
def new(name: str, from_: str | None, force: bool, quiet: bool) -> None:
    """Write a small commented scenario to start from.

    NAME.yaml, and beside it the schema with which editors complete and explain its keys.
    """
    from escsim.reading import text_of
    from escsim.schema import scenario_schema

    path = Path(name if name.endswith((".yaml", ".yml")) else f"{name}.yaml")
    if not path.stem.strip(".") or path.name in (".yaml", ".yml"):
        raise click.UsageError(f"{name!r} is no name for a file; for example: escsim new my-crisis")
    source = _find(from_) if from_ else Path(__file__).parent / "example.yaml"
    text_of(source, str(source))  # refuses what is no text
    schema = path.parent / SCHEMA_FILE
    ours = schema.is_file() and b'"title": "escsim scenario"' in schema.read_bytes()[:1000]
    _write({path: source.read_bytes()}, force=force)
    _write({schema: _json(scenario_schema())}, force=force or ours)
    _talk(quiet, f"ready: {path}, and {schema} for your editor\nnext: escsim check {shlex.quote(str(path))}")


@cli.command()
def schema() -> None:
    """Print the JSON Schema of scenario files, for editors."""
    from escsim.schema import scenario_schema

    _data(scenario_schema())


@cli.command(epilog="KIND is one of\n\n\b\n" + "\n".join(f"{name:11} {kind.shows}" for name, kind in KINDS.items()))
@click.argument("s")
@click.argument("kind", type=click.Choice([*KINDS]), metavar="KIND")
@runs
@seeded
@click.option("--of", "unit", metavar="WHO", help="The mission or pair.")
@click.option("--question", metavar="NAME", help="A question of the file instead of the return of the missions.")
@click.option("--what-if", "name", metavar="NAME", help="One of the file's `what_if`; by default the first.")
@click.option("--status", multiple=True, metavar="STATUS", help="Statuses or groups; by default those below the level of the start.")
@click.option("--csv", "csv_", is_flag=True, help="The numbers too, in a file beside the picture.")
@click.option("-o", "--out", type=click.Path(path_type=Path, dir_okay=False), help="File to write (.png, .svg, .pdf); NAME-KIND.png by default.")
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
    from escsim.errors import AskedError

    given = {name: value for name, value in options.items() if value not in (None, ())}
    for name in given:
        if name not in KINDS[kind].options:
            option = next(each.opts[0] for each in ctx.command.params if each.name == name)
            raise click.UsageError(f"{option} goes with {', '.join(each for each in KINDS if name in KINDS[each].options)}; not with {kind}")
    if {"unit", "question"} <= given.keys():
        raise click.UsageError("--of does not go with --question, which says itself whom it is about")
    scenario = _load(s)
    path = out or Path(f"{scenario.name}-{kind}.png")
    suffix = path.suffix.lstrip(".").lower()
    if suffix not in FORMATS:
        raise click.UsageError(f"cannot tell the format of {str(path)!r}; give it one of the endings .png, .svg, .pdf")
    try:
        picture = _picture(scenario, kind, given, quiet=quiet, paper=paper)
    except AskedError as error:
        raise click.UsageError(str(error)) from None
    contents = {path: plots.render(picture.figure, suffix, picture.description)}
    if csv_:
        contents[path.with_suffix(".csv")] = files.as_csv(picture.rows)
    _write(contents, force=force)
    if json_:
        _data({"scenario": scenario.name, "hash": scenario.hash, "kind": kind, "file": str(path), "description": picture.description})
    else:
        click.echo(path)
        _talk(quiet, textwrap.fill(picture.description, _width()))


def _picture(scenario: Scenario, kind: str, given: dict[str, Any], *, quiet: bool, paper: bool) -> Picture:
    """Draw a picture of a kind from what it is drawn from."""
    from escsim import plots

    draw, n, seed = plots.PICTURES[kind], given.pop("n", None), given.pop("seed", None)
    if KINDS[kind].source == "replay":
        return draw(scenario.replay(), paper=paper, **given)
    many, paired = n or scenario.variants.runs, KINDS[kind].source == "comparison"
    name = given.pop("name", next(iter(scenario.what_if), None))
    if paired and name is None:
        raise click.UsageError("this file has no `what_if`; `escsim whatif` compares with a change said on the spot")
    changed = [_intervention(scenario, name, {})] if paired else []
    with _lean(), _progress(many * (1 + paired), quiet) as progress:
        ensemble = scenario.simulate(n, seed, progress=progress)
        twin = [scenario.simulate(n, seed, intervention=each, progress=progress and (lambda done: progress(many + done))) for each in changed]
        return draw(ensemble, *twin, paper=paper, **given)


def _write(contents: dict[Path, bytes], *, force: bool, instead: str = "") -> None:
    from escsim import files

    try:
        files.write(contents, force=force)
    except files.OccupiedError as error:
        raise click.UsageError(f"already there, with other contents: {error}; add --force to replace{instead}") from None


def _find(s: str) -> Path:
    from escsim.library import find

    try:
        return find(s)
    except FileNotFoundError as error:
        raise click.UsageError(str(error)) from None


def _load(s: str) -> Scenario:
    from escsim.library import load

    return load(_find(s))


def _json(data: Any) -> bytes:
    return json.dumps(data, ensure_ascii=False, indent=1, allow_nan=False).encode() + b"\n"


def _data(data: Any) -> None:
    """Print data as JSON in UTF-8, whatever the terminal's encoding."""
    click.echo(_json(data), nl=False)


def _print(lines: Iterable[Line]) -> None:
    colour = False if os.environ.get("NO_COLOR") else None  # else on terminals only; see no-color.org
    for text, style in lines:
        click.echo(click.style(text, **STYLES[style]) if style in STYLES else text, color=colour)


def _width() -> int:
    """Give the width of the terminal, as far as text in it can be read."""
    return min(max(shutil.get_terminal_size((100, 24)).columns, NARROWEST), WIDEST)


def _ascii_only() -> bool:
    try:
        "▼▲●○".encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return True
    return False


def _talk(quiet: bool, text: str) -> None:
    if not quiet:
        click.echo(text, err=True)


def main() -> NoReturn:
    """Run the command line and exit with its code."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by the caller
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 -- for as long as the program runs
        getattr(sys, name).reconfigure(errors="replace")
    stdout = sys.stdout
    try:
        code = cli.main(standalone_mode=False) or 0
    except SystemExit as leaving:  # as in `escsim ... | head`: where nobody reads on, click puts another stream in its place
        code = leaving.code if sys.stdout is stdout else 0
    except (KeyboardInterrupt, click.Abort):  # where the program was not started by escsim.__main__
        click.echo("interrupted", err=True)
        code = 130
    except click.ClickException as error:
        error.show()
        code = 2
    except Exception as error:  # the last line of defence: everything else is told apart below
        code = _failed(error)
    sys.exit(code)


def _failed(error: Exception) -> int:
    """Say what went wrong in a line or two, and give the exit code."""
    from escsim.errors import ScenarioError

    if isinstance(error, ScenarioError):
        click.echo(str(error), err=True)
        return 1
    if isinstance(error, OSError):
        where = f": {error.filename}" if error.filename else ""
        click.echo(f"escsim: error: {error.strerror or error}{where}", err=True)
        return 1
    if "--debug" in sys.argv:
        import traceback

        traceback.print_exc()
    click.echo(f"escsim: internal error: {type(error).__name__}: {error}", err=True)
    click.echo("  Please report this with the scenario; `escsim --debug ...` shows where it happened.", err=True)
    return 70
