"""The command line. Data goes to stdout, talk to stderr; heavy modules are imported inside the commands that need them.

Exit codes: 0 done, 1 the input is wrong, 2 the command line is wrong, 70 a fault of escsim's own, 130 interrupted.
"""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import date as Day
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import click

from escsim import __version__

if TYPE_CHECKING:
    from escsim.questions import Answer
    from escsim.report import Line
    from escsim.scenario import Intervention, Scenario
    from escsim.sensitivity import Bounds, Sweep
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
    escsim run iran-pakistan-2024         all of it: summary, pictures and data under out/
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
from_day = click.option("--from", "from_", metavar="DATE", help="Take what history dates before this day as given, and forecast from its morning.")
daily = click.option("--daily", is_flag=True, help="Print every day instead of about a dozen.")
quiet = click.option("-q", "--quiet", is_flag=True, help="Print no talk.")


CHANGES = {
    "remove": click.option("--remove", multiple=True, metavar="EVENT", help="It comes to nothing."),
    "move": click.option("--move", multiple=True, metavar="EVENT=DATE", help="Once it is called it happens then."),
    "force": click.option("--force", multiple=True, metavar="EVENT=DATE", help="It happens then and only then, whatever else does."),
    "choose": click.option("--choose", multiple=True, metavar="CHOICE=OPTION", help="This is decided."),
    "set_": click.option("--set", "set_", multiple=True, metavar="EVENT.KEY=VALUE", help="Another probability or delay."),
}


def changes(*names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add the options that say a what-if; they arrive together, as `changes`."""

    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        for name in reversed(names):
            command = CHANGES[name](command)
        return command

    return add


@cli.command()
@click.argument("s")
@click.option("-o", "--out", type=click.Path(path_type=Path, file_okay=False), help="Folder for the results; out/NAME by default.")
@click.option("--format", "formats", type=click.Choice(FORMATS), multiple=True, default=("png", "svg"), show_default=True, help="Of the pictures.")
@runs
@seeded
@threaded
@force
@quiet
@as_json
def run(
    s: str,
    out: Path | None,
    formats: tuple[str, ...],
    n: int | None,
    seed: int | None,
    threads: int | None,
    force: bool,
    quiet: bool,
    json_: bool,
) -> None:
    """Do all that S asks for, and write it up.

    Replay, variants, questions, what-ifs and forecasts: a summary to hand in, pictures, and the data behind them.
    """
    from dataclasses import replace

    from escsim import files, plots, report, results
    from escsim.summary import everything, leading_what_if, summary

    scenario = _load(s)
    folder = out or Path("out") / scenario.name
    with _lean(), _progress(n or scenario.variants.runs, quiet):
        found = everything(scenario, n, seed, threads)
        data: dict[str, Any] = {"variants": results.to_dict(found.ensemble, found.answers, found.solved)}
        contents = {folder / "variants.json": _json(data["variants"])}
        if found.comparisons:
            data["what_if"] = {name: each.to_dict() for name, each in found.comparisons.items()}
            contents[folder / "what_if.json"] = _json(data["what_if"])
        if found.history is not None:
            data["replay"] = found.history.to_dict()
            contents[folder / "replay.json"] = _json(data["replay"])
            contents[folder / "replay.csv"] = report.to_csv(found.history).encode()
        if found.record is not None:
            data["forecast"] = found.record.to_dict()
            contents[folder / "forecast.json"] = _json(data["forecast"])
        strongest = leading_what_if(found)
        sources = {"replay": found.history, "ensemble": found.ensemble, "comparison": found.comparisons.get(strongest or "")}
        pictures = {kind: draw(of) for kind, draw in plots.PICTURES.items() if (of := sources[KINDS[kind].source]) is not None}
    for kind, picture in pictures.items():
        for suffix in dict.fromkeys(formats):
            contents[folder / f"{kind}.{suffix}"] = plots.render(picture.figure, suffix, picture.description)
        if kind != "trajectory":  # whose numbers are the replay's
            contents[folder / f"{kind}.csv"] = files.as_csv(picture.rows)
    shown = {kind: (f"{kind}.{formats[0]}", picture.description) for kind, picture in pictures.items()}
    contents = {folder / "summary.md": summary(replace(found, pictures=shown)).encode(), **contents}
    _write(contents, force=force, instead=", or -o FOLDER for another place")
    if json_:
        _data({"scenario": scenario.name, "hash": scenario.hash, **data, "files": [str(path) for path in contents]})
    else:
        if found.history is not None:
            _print(report.replay(found.history, width=_width(), ascii_only=_ascii_only()))
        if found.answers:
            _print(report.answers(scenario, found.answers, width=_width()))
    _talk(
        quiet or json_,
        f"\nresults: {', '.join(map(str, contents))}\n"
        f"next: read {folder / 'summary.md'}, or escsim replay {shlex.quote(s)} --why     the reasons, and what might have happened and did not",
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
@click.option("--vary", metavar="NAME=LOW:HIGH:STEP", help="Tell only how the answers move with a number, such as recall.probability=0:1:0.1.")
@click.option("--bounds", is_flag=True, help="Tell between what the answers lie over the ranges that the file states.")
@from_day
@changes("remove", "move", "choose", "set_")  # and not --force, which is another thing here
@click.option("-o", "--out", metavar="FILE", help="Write the result to a .json, .csv or .parquet; or to a folder, which keeps what is finished.")
@click.option("--events", type=click.Path(path_type=Path), metavar="FILE", help="Write every firing in every variant to a .parquet.")
@click.option("--cluster", metavar="ADDRESS", help="Run on the workers of the dask.distributed scheduler at this address.")
@force
@daily
@as_json
@quiet
def simulate(
    s: str,
    n: int | None,
    seed: int | None,
    threads: int | None,
    precision: float | None,
    from_: str | None,
    vary: str | None,
    bounds: bool,
    out: str | None,
    events: Path | None,
    cluster: str | None,
    force: bool,
    daily: bool,
    json_: bool,
    quiet: bool,
    **changes: Any,
) -> None:
    """Run Monte Carlo variants of S.

    Where the missions stand day by day, and what became of each event. Trajectory i of a seed is the same on every
    machine, whatever N and the threads. Ctrl-C ends a run with the variants that are done; with a folder for -o, the
    same command goes on from there.
    """
    from escsim import exact, report, results
    from escsim.intervals import enough

    if precision is not None:
        _apart({"--precision": True, "-n": n})
        n = enough(precision)
    what_if = from_ is not None or any(changes.values())
    _apart({"--vary": vary, "--bounds": bounds, "--from or a what-if": what_if})
    scenario = _load(s)
    if vary is not None:
        for name, given in (("--daily", daily), ("-o", out), ("--events", events), ("--cluster", cluster)):
            _apart({"--vary": vary, name: given})
        _vary(scenario, vary, n, seed, threads, quiet=quiet, json_=json_)
        return
    intervention = _intervention(scenario, None, changes) if any(changes.values()) else None
    day = _day(scenario, from_)
    n, seed = n or scenario.variants.runs, scenario.variants.seed if seed is None else seed
    files, log, folder = _places(out, events)
    origin = results.provenance(scenario, n, seed, shlex.join(["escsim", *sys.argv[1:]])) if files or log else {}
    if not force and (taken := [each for result in (files, log) if result for each in results.occupied(result, origin)]):
        raise click.UsageError(f"already there, and not from this command: {', '.join(map(str, taken))}; add --force to replace")
    with _lean(), _cluster(cluster) as client, _progress(n, quiet) as progress, _stoppable() as stop, _past():
        ensemble = scenario.simulate(
            n,
            seed,
            threads,
            intervention=intervention,
            given=day,
            asked=scenario.questions,
            client=client,
            folder=folder and folder / "parts",
            progress=progress,
            stop=stop,
        )
    solved = None if ensemble.given is not None else exact.beside(scenario, intervention)
    found = _bounds(scenario, n, seed, threads, quiet=quiet) if bounds else {}
    answers = _bounded(exact.known(solved, scenario, ensemble.answers()), found)
    if json_:
        _data(results.to_dict(ensemble, answers, solved))
    else:
        _print(report.ensemble(ensemble, width=_width(), daily=daily, exact=None if solved is None else solved.occupancy))
        _print(report.answers(scenario, answers, width=_width()))
        _print(report.bounds(scenario, found, width=_width()))
    if files:
        _write(results.contents(files[0], ensemble, answers, solved, origin), force=True)
    if ensemble.n < n:
        click.echo(f"interrupted: {ensemble.n:,} of {n:,} variants", err=True)
        sys.exit(130)
    if events is not None:
        with _progress(n, quiet, "events of variants") as progress:
            results.write_events(events, ensemble, origin, threads, progress)
    if files or log:
        _talk(quiet, f"\nresults: {', '.join(map(str, files + log))}")


def _apart(options: dict[str, Any]) -> None:
    """Refuse options that do not go together."""
    said = [name for name, value in options.items() if value not in (None, False)]
    if len(said) > 1:
        raise click.UsageError(f"{said[0]} does not go with {said[1]}")


def _vary(scenario: Scenario, vary: str, n: int | None, seed: int | None, threads: int | None, *, quiet: bool, json_: bool) -> None:
    """Tell how the answers move with a number."""
    from escsim import report

    sweep = _sweep(scenario, vary, n, seed, threads, quiet=quiet)
    if json_:
        _data(sweep.to_dict())
    else:
        _print(report.sweep(sweep, width=_width()))


def _places(out: str | None, events: Path | None) -> tuple[list[Path], list[Path], Path | None]:
    """Tell the files of a result and of an event log, and the folder that keeps what is finished.

    It is a folder if it is there, or has no ending, or ends in a slash.
    """
    from escsim.results import SUFFIXES, paths

    path, folder = Path(out or ""), None
    if out is not None and (path.is_dir() or out.endswith(("/", os.sep)) or not path.suffix):
        if path.exists() and not path.is_dir():
            raise click.UsageError(f"-o: {out!r} is there and no folder; files end in {', '.join(SUFFIXES)}")
        path, folder = path / "simulate.json", path
    if out is not None and path.suffix not in SUFFIXES:
        raise click.UsageError(f"-o: cannot tell the format of {out!r}; give it one of the endings {', '.join(SUFFIXES)}, or none for a folder")
    files = [] if out is None else paths(path)
    if events is not None and events.suffix != ".parquet":
        raise click.UsageError(f"--events: {str(events)!r} must end in .parquet")
    if events in files:
        raise click.UsageError(f"-o and --events would both write {str(events)!r}")
    return files, [] if events is None else [events], folder


@contextmanager
def _cluster(address: str | None) -> Iterator[Any]:
    """Give a client of a dask.distributed scheduler."""
    if address is None:
        yield None
        return
    try:
        from distributed import Client
        from distributed.client import FutureCancelledError
        from distributed.scheduler import KilledWorker
    except ImportError:
        raise click.UsageError("--cluster needs dask.distributed: pip install 'escsim[cluster]'") from None
    try:
        client = Client(address, timeout=10)  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as error:
        raise click.UsageError(f"--cluster: no scheduler answers at {address!r}: {error}") from None
    try:
        with client:
            yield client
    except (KilledWorker, FutureCancelledError, ImportError) as error:
        raise OSError(f"the cluster gave up: {error}") from None


@contextmanager
def _stoppable() -> Iterator[Callable[[], bool]]:
    """Let Ctrl-C end a run with what is done of it, and the program if nothing is done yet or if it is pressed again."""
    presses = [0, 0]  # before anything was done, and after
    begun = 0

    def stop() -> bool:
        nonlocal begun
        begun = 1
        return presses[1] > 0

    def press(number: int, frame: Any) -> None:
        presses[begun] += 1
        if presses != [0, 1] and callable(before):
            before(number, frame)

    before = signal.signal(signal.SIGINT, press)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)


def _sweep(scenario: Scenario, vary: str, n: int | None, seed: int | None, threads: int | None, *, quiet: bool) -> Sweep:
    """Run a scenario along one of its numbers, said as NAME=LOW:HIGH:STEP."""
    from escsim import ranges, sensitivity
    from escsim.errors import AskedError, quoted

    name, equals, steps = vary.partition("=")
    if not equals:
        raise click.UsageError(f"--vary: it is written --vary EVENT.probability=0:1:0.1 or CHOICE.OPTION=0:1:0.1, not {quoted(vary)}")
    try:
        values = ranges.parameter(scenario, name).steps(steps)
        with _lean(), _progress((len(values) + 1) * (n or scenario.variants.runs), quiet) as progress:
            return sensitivity.vary(scenario, name, values, n, seed, threads=threads, progress=progress)
    except AskedError as error:
        raise click.UsageError(f"--vary: {error}") from None


def _bounds(scenario: Scenario, n: int | None, seed: int | None, threads: int | None, *, quiet: bool) -> dict[str, Bounds]:
    """Give the bounds of all answers over the stated ranges."""
    from escsim import ranges, sensitivity
    from escsim.errors import AskedError

    many = 3 * len(ranges.ranges(scenario)) * (n or scenario.variants.runs) + sensitivity.SAMPLED * sensitivity.SKETCH
    try:
        with _lean(), _progress(many, quiet) as progress:
            return sensitivity.bounds(scenario, n, seed, threads=threads, progress=progress)
    except AskedError as error:
        raise click.UsageError(f"--bounds: {error}") from None


def _bounded(answers: dict[str, Answer], found: dict[str, Bounds]) -> dict[str, Answer]:
    """Put bounds beside the answers, those of a peak by status."""
    from dataclasses import replace

    told = dict(answers)
    for label, each in found.items():
        name, _, status = label.partition(": ")
        data = {**(told[name].bounds or {}), status: each.to_dict()} if status else each.to_dict()
        told[name] = replace(told[name], bounds=data)
    return told


@cli.command("sensitivity")
@click.argument("s")
@click.option("--question", metavar="NAME", help="Whose answer; by default the first that asks for a probability.")
@runs
@seeded
@threaded
@click.option(
    "--points", type=click.IntRange(0, 2**16), default=64, show_default=True, help="For Sobol's indices: a power of 2 from 8 on, or 0 for none."
)
@click.option("-o", "--out", type=click.Path(path_type=Path, dir_okay=False), help="Draw the swings as a tornado (.png, .svg, .pdf).")
@click.option("--print", "paper", is_flag=True, help="Draw for A4 paper instead of a screen.")
@force
@as_json
@quiet
def sensitivity_(
    s: str,
    question: str | None,
    n: int | None,
    seed: int | None,
    threads: int | None,
    points: int,
    out: Path | None,
    paper: bool,
    force: bool,
    json_: bool,
    quiet: bool,
) -> None:
    """Tell which of the ranges that S states move an answer.

    Each range from its low to its high end while all else is as in the file, and all together by Sobol's indices.
    """
    from escsim import ranges, report, sensitivity
    from escsim.errors import AskedError

    suffix = _suffix(out) if out else ""
    if paper and not out:
        raise click.UsageError("--print goes with -o")
    scenario = _load(s)
    many = (2 * len(ranges.ranges(scenario)) + 5) * (n or scenario.variants.runs) + points * (len(ranges.ranges(scenario)) + 2) * sensitivity.SKETCH
    try:
        if points:
            import_module("SALib.analyze.sobol")  # before anything is kept from being imported
        with _lean(), _progress(many, quiet) as progress:
            told = sensitivity.sensitivity(scenario, question, n, seed, points=points, threads=threads, progress=progress)
    except AskedError as error:
        raise click.UsageError(str(error)) from None
    except ModuleNotFoundError as error:
        if not str(error.name).startswith("SALib"):
            raise
        raise click.UsageError("Sobol's indices need SALib, which is not installed: pip install 'escsim[sensitivity]', or --points 0") from None
    if out:
        from escsim import plots
        from escsim.tornado import tornado

        picture = tornado(told, paper=paper)
        _write({out: plots.render(picture.figure, suffix, picture.description)}, force=force)
    if json_:
        _data({**told.to_dict(), **({"file": str(out)} if out else {})})
    else:
        _print(report.sensitivity(told, width=_width()))
    _talk(quiet or json_ or out is None, f"\n{out}")


@cli.command()
@click.argument("s")
@click.argument("date", required=False)
@click.option("--run", type=click.IntRange(0, 10**10 - 1), metavar="I", help="Explain variant I instead of history.")
@click.option("--seed", type=click.IntRange(0, 2**64 - 1), metavar="SEED", help="Of the variant; by default the file's.")
@from_day
@as_json
def why(s: str, date: str | None, run: int | None, seed: int | None, from_: str | None, json_: bool) -> None:
    """Explain what happened in S on DATE, and what did not.

    What led to each event, what it moved, and what was open but did not come about. Without DATE the whole run is told.
    """
    from escsim import explain, report

    if run is None and (seed, from_) != (None, None):
        raise click.UsageError("--seed and --from go with --run")
    scenario = _load(s)
    day = _day(scenario, date)
    if run is None:
        trajectory = scenario.replay()
    else:
        from escsim import ensemble

        with _lean():
            trajectory = ensemble.trajectory(scenario, run, seed=seed, given=_day(scenario, from_))
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
@changes(*CHANGES)
@from_day
@runs
@seeded
@threaded
@click.option("--run", type=click.IntRange(0), metavar="I", help="Show where variant I parts from its twin.")
@as_json
@quiet
def whatif(
    s: str,
    name: str | None,
    from_: str | None,
    n: int | None,
    seed: int | None,
    threads: int | None,
    run: int | None,
    json_: bool,
    quiet: bool,
    **changes: Any,
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
    day = _day(scenario, from_)
    with _lean(), _progress(2 * many, quiet) as progress, _past():
        base = scenario.simulate(n, seed, threads, given=day, progress=progress)
        more = progress and (lambda done: progress(many + done))
        changed = scenario.simulate(n, seed, threads, intervention=intervention, given=day, progress=more)
        found = effect(base, changed, threads=threads)
    if json_:
        _data(found.to_dict() if run is None else {**found.to_dict(), "parting": found.told(run)})
    else:
        _print(report.comparison(found, name, run=run, width=_width()))


@cli.command("forecast")
@click.argument("s")
@click.option(
    "--question", "names", multiple=True, metavar="NAME", help="Of the file; by default its first probability and its first time, with --json all."
)
@runs
@seeded
@threaded
@as_json
@quiet
def forecast_(s: str, names: tuple[str, ...], n: int | None, seed: int | None, threads: int | None, json_: bool, quiet: bool) -> None:
    """Forecast S from one morning after another.

    How the answers moved as news came in, how expected each step of history was on its day, and how likely the whole of it by
    this file. In a forecast what is dated before its morning is given, and what is open is drawn given that it has not come about yet.
    """
    from escsim import report
    from escsim.errors import quoted, suggest
    from escsim.forecasts import forecast
    from escsim.questions import leading

    scenario = _load(s)
    for name in names:
        if name not in scenario.questions:
            raise click.UsageError(f"--question: there is none named {quoted(name)}: {suggest(name, scenario.questions, 'known questions')}")
    if not any(event.date for event in scenario.events):
        raise click.UsageError(f"{scenario.name} has no history to forecast: no event has a date")
    if not names and not json_:
        names = tuple(leading(scenario.questions))
    asked = {name: scenario.questions[name] for name in names} or (scenario.questions if json_ else {})
    with _lean():
        record = forecast(scenario, asked, n, seed=seed, threads=threads)
    if json_:
        _data(record.to_dict())
    else:
        _print(report.forecasts(record, width=_width()))
        _talk(quiet, f"\nnext: escsim simulate {shlex.quote(s)} --from {record.forecasts[len(record.forecasts) // 2].day}     one of them in full")


def _intervention(scenario: Scenario, name: str | None, changes: dict[str, Any]) -> Intervention:
    """Give the what-if of that name in the file, or the one that the options say."""
    from escsim.errors import ScenarioError, quoted, suggest
    from escsim.library import what_if
    from escsim.reading import parse

    if not any(changes.values()):
        if name is not None and name in scenario.what_if:
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
            for each in changes.get(kind, ()):
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
def _past() -> Iterator[None]:
    """Refuse on the command line what a forecast refuses, since the past is past."""
    from escsim.errors import AskedError

    try:
        yield
    except AskedError as error:
        raise click.UsageError(str(error)) from None


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
def _progress(n: int, quiet: bool, label: str = "variants") -> Iterator[Callable[[int], None] | None]:
    """Show how far a run of more than two seconds has come, how quickly, and why nothing moves at first, where somebody sees it."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from collections import deque
    from datetime import timedelta
    from threading import Timer
    from time import monotonic

    compiling = Timer(2, click.echo, ["preparing; if the simulation must be compiled for this computer: some ten seconds, once"], {"err": True})
    compiling.daemon = True
    compiling.start()
    began, points = monotonic(), deque[tuple[float, int]](maxlen=100)

    def pace(_: object) -> str | None:
        (then, before), (now, done) = points[0], points[-1]
        rate = (done - before) / (now - then) if now > then + 1 else 0
        return f"{rate:,.0f}/s  {timedelta(seconds=int((n - done) / rate))} left" if rate and done < n else None

    try:
        with click.progressbar(length=n, label=label, file=sys.stderr, show_pos=True, show_eta=False, item_show_func=pace, hidden=True) as bar:

            def show(done: int) -> None:
                compiling.cancel()
                points.append((monotonic(), done))
                bar.hidden = points[-1][0] < began + 2
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
    suffix = _suffix(path)
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


def _suffix(path: Path) -> str:
    """Give the format that the name of a picture ends with."""
    suffix = path.suffix.lstrip(".").lower()
    if suffix not in FORMATS:
        raise click.UsageError(f"cannot tell the format of {str(path)!r}; give it one of the endings .png, .svg, .pdf")
    return suffix


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
    from escsim.files import as_json

    return as_json(data)


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
