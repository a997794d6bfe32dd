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
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from escsim import __version__

if TYPE_CHECKING:
    from datetime import date as Day

    from escsim.report import Line
    from escsim.scenario import Scenario
    from escsim.trajectory import Trajectory

HELP = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
STYLES: dict[str, dict[str, Any]] = {
    "": {},
    "bold": {"bold": True},
    "dim": {"dim": True},
    "worse": {"fg": "yellow", "bold": True},
    "better": {"fg": "cyan", "bold": True},
    "same": {},
}
KINDS = ("trajectory", "diagram")
FORMATS = ("png", "svg", "pdf")


@click.group(context_settings=HELP, invoke_without_command=True)
@click.version_option(__version__, prog_name="escsim", message="%(prog)s %(version)s")
@click.option("--debug", is_flag=True, help="Show the traceback of a fault of escsim's own.")
@click.pass_context
def cli(ctx: click.Context, debug: bool) -> None:
    """Replay and vary diplomatic crises told as scenario files, with the reason for every step.

    S is a file, or the name of a scenario that ships with escsim.

    \b
    escsim run iran-pakistan-2024         replay, and pictures under out/
    escsim replay iran-pakistan-2024      what happened, event by event
    escsim simulate iran-pakistan-2024    how else it could have gone, and how often
    escsim new my-crisis                  a file to start from, then: escsim check my-crisis.yaml
    """  # noqa: D301 -- \b is click's mark for "do not rewrap"
    ctx.obj = debug
    if ctx.invoked_subcommand is None:
        from escsim.library import shipped

        click.echo(ctx.get_help())
        click.echo("\nScenarios that ship with escsim:\n  " + "\n  ".join(shipped()))


as_json = click.option("--json", "json_", is_flag=True, help="Print JSON instead of text.")
force = click.option("--force", is_flag=True, help="Replace files that are already there.")
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
    from escsim import files, report

    scenario = _load(s)
    trajectory = scenario.replay()
    folder = out or Path("out") / scenario.name
    data = trajectory.to_dict()
    contents = {folder / "replay.json": _json(data), folder / "replay.csv": report.to_csv(trajectory).encode()}
    for kind in KINDS:
        for suffix in dict.fromkeys(formats):
            contents[folder / f"{kind}.{suffix}"] = _drawn(trajectory, kind, suffix)
    try:
        written = files.write(contents, force=force)
    except files.OccupiedError as error:
        names = ", ".join(path.name for path in error.paths)
        raise click.UsageError(f"{folder} holds other results ({names}); add --force to replace them, or -o FOLDER for another place") from None
    if json_:
        _data({**data, "files": [str(path) for path in written]})
    else:
        _print(report.replay(trajectory, width=_width(), ascii_only=_ascii_only()))
    _talk(quiet or json_, "\nresults: " + ", ".join(str(path) for path in written))
    _talk(quiet or json_, f"next: escsim replay {shlex.quote(s)} --why     the reasons, and what might have happened and did not")


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
@click.option("-n", "n", type=click.IntRange(1), metavar="N", help="How many variants; by default as many as the file says.")
@click.option("--seed", type=click.IntRange(0, 2**64 - 1), metavar="SEED", help="Of all chance; by default the file's.")
@click.option("--threads", type=click.IntRange(1, 1024), metavar="N", help="By default one for each processor. The result does not depend on it.")
@daily
@as_json
@quiet
def simulate(s: str, n: int | None, seed: int | None, threads: int | None, daily: bool, json_: bool, quiet: bool) -> None:
    """Run Monte Carlo variants of S.

    Where the missions stand day by day, and what became of each event. Trajectory i of a seed is the same on every
    machine, whatever N and the threads.
    """
    from escsim import exact, report
    from escsim.errors import ScenarioError

    scenario = _load(s)
    with _progress(n or scenario.variants.runs, quiet) as progress:
        ensemble = scenario.simulate(n, seed, threads, progress=progress)
    try:
        found = exact.solve(scenario, most=10_000)
        known = {unit: dict(zip(found.statuses, rows.tolist(), strict=True)) for unit, rows in zip(found.units, found.occupancy, strict=True)}
    except ScenarioError:  # most scenarios are no Markov chain, or too large a one to be solved on the way
        known = None
    if json_:
        data = ensemble.to_dict()
        _data(data if known is None else {**data, "exact": {mission: known[mission] for mission in scenario.missions}})
        return
    _print(report.ensemble(ensemble, width=_width(), daily=daily, exact=known))


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
        if n < 1_000_000:
            yield lambda _: compiling.cancel()
            return
        with click.progressbar(length=n, label="variants", file=sys.stderr, show_pos=True) as bar:

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
    from escsim.library import find, load
    from escsim.replay import violations

    found = []
    for each, path in [(each, _find(find, each)) for each in s]:
        told = ""
        try:
            scenario = load(path)
            error = ScenarioError(violations(scenario.replay()))
            told = f"{plain(str(path), 200)}: in order: {_counted(scenario)}"
        except ScenarioError as raised:
            error = raised
        except OSError as raised:
            error = ScenarioError([Problem(Place(str(path)), f"cannot be read: {raised.strerror or raised}")])
        found.append({"scenario": each, "ok": not error.problems, "problems": [_plain_problem(problem) for problem in error.problems]})
        if error.problems and not json_:
            click.echo(str(error), err=True)
        elif not json_ and not quiet:
            click.echo(told)
    if json_:
        _data(found)
    if any(not each["ok"] for each in found):
        sys.exit(1)


def _plain_problem(problem: Any) -> dict[str, Any]:
    place = problem.place
    return {"file": place.file, "line": place.line, "column": place.column, "message": problem.message, "remedy": problem.remedy}


def _counted(scenario: Scenario) -> str:
    dated = sum(event.date is not None for event in scenario.events)
    parts = [f"{dated} dated events replay"]
    if others := len(scenario.events) - dated:
        parts.append(f"{others} might have happened")
    parts.append(f"{len(scenario.missions)} missions")
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

    if what == "actions":
        words = actions.shipped()
        rows: list[tuple[str, ...]]
        data: Any = {name: action.model_dump(exclude_none=True) for name, action in words.items()}
        rows = [(name, action.cameo or "-", action.plover or "-", action.text) for name, action in words.items()]
        head = ["action", "CAMEO", "PLOVER", "what it means (those marked * move missions and need a ladder that knows them)"]
        rows = [(name + ("*" if words[name].moves_missions else ""), *rest) for name, *rest in rows]
    elif what == "ladders":
        steps = {name: ladder.load_shipped(name) for name in ladder.shipped()}
        data = {name: each.model_dump(mode="json", by_alias=True) for name, each in steps.items()}
        rows = [(name, " < ".join(each.statuses)) for name, each in steps.items()]
        head = ["ladder", "statuses, mildest first"]
    else:
        scenarios = {name: library.load(path) for name, path in library.shipped().items()}
        data = {name: {"title": scenario.title, "missions": scenario.missions} for name, scenario in scenarios.items()}
        rows = [(name, scenario.title) for name, scenario in scenarios.items()]
        head = ["scenario", "title"]
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
    from escsim import library, report

    scenario = _load(s)
    if yaml_:
        click.echo(_find(library.find, s).read_bytes(), nl=False)
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
    from escsim import files, library
    from escsim.reading import text_of
    from escsim.schema import scenario_schema

    path = Path(name if name.endswith((".yaml", ".yml")) else f"{name}.yaml")
    if not path.stem.strip(".") or path.name in (".yaml", ".yml"):
        raise click.UsageError(f"{name!r} is no name for a file; for example: escsim new my-crisis")
    source = _find(library.find, from_) if from_ else Path(__file__).parent / "example.yaml"
    text_of(source, str(source))  # refuses what is no text
    schema = path.parent / SCHEMA_FILE
    ours = schema.is_file() and b'"title": "escsim scenario"' in schema.read_bytes()[:1000]
    _write(files, {path: source.read_bytes()}, force=force)
    _write(files, {schema: _json(scenario_schema())}, force=force or ours)
    _talk(quiet, f"ready: {path}, and {schema} for your editor\nnext: escsim check {shlex.quote(str(path))}")


SCHEMA_FILE = "escsim.schema.json"


@cli.command()
def schema() -> None:
    """Print the JSON Schema of scenario files, for editors."""
    from escsim.schema import scenario_schema

    _data(scenario_schema())


@cli.command()
@click.argument("s")
@click.argument("kind", type=click.Choice(KINDS))
@click.option("-o", "--out", type=click.Path(path_type=Path, dir_okay=False), help="File to write (.png, .svg, .pdf); NAME-KIND.png by default.")
@click.option("--print", "paper", is_flag=True, help="Draw for A4 paper instead of a screen.")
@force
@quiet
@as_json
def plot(s: str, kind: str, out: Path | None, paper: bool, force: bool, quiet: bool, json_: bool) -> None:
    """Draw S: its trajectory or its ladder.

    KIND is trajectory (a lane for each mission) or diagram (the ladder of statuses, with what fired).
    """
    from escsim import files

    scenario = _load(s)
    path = out or Path(f"{scenario.name}-{kind}.png")
    suffix = path.suffix.lstrip(".").lower()
    if suffix not in FORMATS:
        raise click.UsageError(f"cannot tell the format of {str(path)!r}; give it one of the endings .png, .svg, .pdf")
    trajectory = scenario.replay()
    _write(files, {path: _drawn(trajectory, kind, suffix, paper=paper)}, force=force)
    if json_:
        _data({"scenario": scenario.name, "hash": scenario.hash, "kind": kind, "file": str(path), "description": _described(trajectory, kind)})
    else:
        click.echo(path)
        _talk(quiet, textwrap.fill(_described(trajectory, kind), _width()))


def _drawn(trajectory: Trajectory, kind: str, suffix: str, *, paper: bool = False) -> bytes:
    from escsim import plots

    draw = plots.trajectory if kind == "trajectory" else plots.diagram
    return plots.render(draw(trajectory, paper=paper), suffix, _described(trajectory, kind))


def _described(trajectory: Trajectory, kind: str) -> str:
    from escsim import plots

    return plots.describe_trajectory(trajectory) if kind == "trajectory" else plots.describe_diagram(trajectory)


def _write(files: Any, contents: dict[Path, bytes], *, force: bool) -> None:
    try:
        files.write(contents, force=force)
    except files.OccupiedError as error:
        raise click.UsageError(f"{error} is already there; add --force to replace it") from None


def _find(find: Any, s: str) -> Path:
    try:
        return Path(find(s))
    except FileNotFoundError as error:
        raise click.UsageError(str(error)) from None


def _load(s: str) -> Scenario:
    from escsim.library import find, load

    return load(_find(find, s))


def _day(scenario: Scenario, text: str | None) -> Day | None:
    if text is None:
        return None
    from pydantic_core import PydanticCustomError

    from escsim.times import Date

    try:
        day = Date.parse(text).day
    except PydanticCustomError as error:
        raise click.UsageError(f"{error.message()}; {(error.context or {}).get('remedy')}") from None
    if not scenario.period.from_.day <= day <= scenario.period.to.day:
        raise click.UsageError(f"{day} lies outside the period, {scenario.period.from_} to {scenario.period.to}")
    return day


def _json(data: Any) -> bytes:
    return json.dumps(data, ensure_ascii=False, indent=1, allow_nan=False).encode() + b"\n"


def _data(data: Any) -> None:
    """Print data as JSON in UTF-8, whatever the terminal's encoding."""
    click.echo(_json(data), nl=False)


def _print(lines: Iterable[Line]) -> None:
    for text, style in lines:
        click.echo(click.style(text, **STYLES[style]) if STYLES[style] else text, color=_coloured())


def _coloured() -> bool | None:
    """Colour on terminals, unless NO_COLOR is set (see no-color.org)."""
    return False if os.environ.get("NO_COLOR") else None


def _width() -> int:
    return shutil.get_terminal_size((100, 24)).columns


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
        code = cli.main(standalone_mode=False)
        sys.stdout.flush()
    except BrokenPipeError:  # as in `escsim ... | head`: nobody reads on
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except SystemExit as leaving:  # click has met the same, and put another stream in its place
        sys.exit(leaving.code if sys.stdout is stdout else 0)
    except (KeyboardInterrupt, click.Abort):  # where the program was not started by escsim.__main__
        click.echo("interrupted", err=True)
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except Exception as error:  # the last line of defence: everything else is told apart below
        sys.exit(_failed(error))
    sys.exit(code if isinstance(code, int) else 0)


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
