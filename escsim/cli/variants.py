"""Commands that run variants: simulate, forecast, whatif, sensitivity, selfcheck."""

from __future__ import annotations

import math
import os
import shlex
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from escsim.cli.common import (
    CHANGES,
    apart,
    as_json,
    changes,
    cli,
    daily,
    force,
    from_day,
    lean,
    load_scenario,
    progress_bar,
    put_data,
    put_lines,
    quiet,
    read_day,
    read_what_if,
    refusing,
    runs,
    seeded,
    suffix_of,
    sweep,
    talk,
    threaded,
    width_of,
    write_files,
)

if TYPE_CHECKING:
    from escsim.questions import Answer
    from escsim.scenario import Scenario
    from escsim.sensitivity import Bounds


@cli.command()
@click.argument("s")
@runs
@seeded
@threaded
@click.option(
    "--precision", type=click.FloatRange(1e-5, 0.5), metavar="P", help="As many variants as make every share certain to within P, such as 0.002."
)
@click.option("--vary", metavar="NAME=LOW:HIGH:STEP", help="Tell only how the answers move with a number, such as call_2.probability=0:1:0.1.")
@click.option("--bounds", is_flag=True, help="Tell between what the answers lie over the ranges that the file states.")
@from_day
@changes("remove", "move", "choose", "set_")  # and not --force, which is another thing here
@click.option("--why", is_flag=True, help="Tell also through what events were cancelled or moot, from 500 variants looked at one by one.")
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
    why: bool,
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
        apart({"--precision": True, "-n": n})
        n = enough(precision)
    what_if = from_ is not None or any(changes.values())
    apart({"--vary": vary, "--bounds": bounds, "--from or a what-if": what_if})
    scenario = load_scenario(s)
    if vary is not None:
        for name, given in (("--daily", daily), ("--why", why), ("-o", out), ("--events", events), ("--cluster", cluster)):
            apart({"--vary": vary, name: given})
        _vary(scenario, vary, n, seed, threads, quiet=quiet, json_=json_)
        return
    intervention = read_what_if(scenario, None, changes) if any(changes.values()) else None
    day = read_day(scenario, from_)
    n, seed = n or scenario.variants.runs, scenario.variants.seed if seed is None else seed
    files, log, folder = _places(out, events)
    origin = results.provenance(scenario, n, seed, typed()) if files or log else {}
    if not force and (taken := [each for result in (files, log) if result for each in results.occupied(result, origin)]):
        raise click.UsageError(f"already there, and not from this command: {', '.join(map(str, taken))}; add --force to replace")
    with lean(), _cluster(cluster) as client, progress_bar(n, quiet) as progress, _stoppable() as stop, refusing():
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
    reasons = ensemble.reasons() if why else {}
    answers = _bounded(exact.known(solved, scenario, ensemble.answers()), found)
    if json_:
        put_data(results.to_dict(ensemble, answers, solved, reasons))
    else:
        put_lines(report.ensemble(ensemble, width=width_of(), daily=daily, exact=None if solved is None else solved.occupancy))
        put_lines(report.reasons(ensemble, reasons, width=width_of()))
        put_lines(report.answers(scenario, answers, width=width_of()))
        put_lines(report.bounds(scenario, found, width=width_of()))
    if files:
        write_files(results.contents(files[0], ensemble, answers, solved, origin), force=True)
    if ensemble.n < n:
        click.echo(f"interrupted: {ensemble.n:,} of {n:,} variants", err=True)
        sys.exit(130)
    if events is not None:
        with progress_bar(n, quiet, "events of variants") as progress:
            results.write_events(events, ensemble, origin, threads, progress)
    if precision is not None:
        talk(quiet or json_, f"\n{_precise(answers, precision)}")
    if files or log:
        talk(quiet, f"\nresults: {', '.join(map(str, files + log))}")


def _precise(answers: dict[str, Answer], precision: float) -> str:
    """Say what a precision does not hold for, and why."""
    other = [name for name, each in answers.items() if each.unit != "share"]
    part = [name for name in other if any(share.high - share.low > 2 * precision for share in (answers[name].shares or {}).values())]
    told = f"Every share of all variants is certain to within {100 * precision:g} points."
    told += f" Times and counts have other units, so that cannot be said of {', '.join(other)}." if other else ""
    return told + (f" Shares of the variants in which it can be asked, which are fewer, are less certain in {', '.join(part)}." if part else "")


def _vary(scenario: Scenario, vary: str, n: int | None, seed: int | None, threads: int | None, *, quiet: bool, json_: bool) -> None:
    """Tell how the answers move with a number."""
    from escsim import report

    told = sweep(scenario, vary, n, seed, threads, quiet=quiet)
    if json_:
        put_data(told.to_dict())
    else:
        put_lines(report.sweep(told, width=width_of()))


def typed() -> str:
    """Give the command as it was typed, less what does not change the result."""
    said, skip = ["escsim"], False
    for word in sys.argv[1:]:
        if skip or word in ("-q", "--quiet", "--force") or word.startswith(("--threads=", "--cluster=")):
            skip = False
        elif word in ("--threads", "--cluster"):
            skip = True
        else:
            said.append(word)
    return shlex.join(said)


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


def _bounds(scenario: Scenario, n: int | None, seed: int | None, threads: int | None, *, quiet: bool) -> dict[str, Bounds]:
    """Give the bounds of all answers over the stated ranges."""
    from escsim import ranges, sensitivity

    many = 3 * len(ranges.ranges(scenario)) * (n or scenario.variants.runs) + sensitivity.SAMPLED * sensitivity.SKETCH
    with refusing("--bounds: "), lean(), progress_bar(many, quiet) as progress:
        return sensitivity.bounds(scenario, n, seed, threads=threads, progress=progress)


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
@click.option("--points", type=click.IntRange(0, 2**16), default=64, show_default=True, help="For Sobol's indices: a power of 2 from 8 on, or 0.")
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

    suffix = suffix_of(out) if out else ""
    if paper and not out:
        raise click.UsageError("--print goes with -o")
    scenario = load_scenario(s)
    many = (2 * len(ranges.ranges(scenario)) + 5) * (n or scenario.variants.runs) + points * (len(ranges.ranges(scenario)) + 2) * sensitivity.SKETCH
    try:
        if points:
            import_module("SALib.analyze.sobol")  # before anything is kept from being imported
        with refusing(), lean(), progress_bar(many, quiet) as progress:
            told = sensitivity.sensitivity(scenario, question, n, seed, points=points, threads=threads, progress=progress)
    except ModuleNotFoundError as error:
        if not str(error.name).startswith("SALib"):
            raise
        raise click.UsageError("Sobol's indices need SALib, which is not installed: pip install 'escsim[sensitivity]', or --points 0") from None
    if out:
        from escsim import plots
        from escsim.tornado import tornado

        picture = tornado(told, paper=paper)
        write_files({out: plots.render(picture.figure, suffix, picture.description)}, force=force)
    if json_:
        put_data({**told.to_dict(), **({"file": str(out)} if out else {})})
    else:
        put_lines(report.sensitivity(told, width=width_of()))
    talk(quiet or json_ or out is None, f"\n{out}")


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

    scenario = load_scenario(s)
    intervention = read_what_if(scenario, name, changes)
    many = n or scenario.variants.runs
    if run is not None and run >= many:
        raise click.UsageError(f"--run: variants are numbered 0 to {many - 1}")
    day = read_day(scenario, from_)
    with lean(), progress_bar(2 * many, quiet) as progress, refusing():
        base = scenario.simulate(n, seed, threads, given=day, progress=progress)
        more = progress and (lambda done: progress(many + done))
        changed = scenario.simulate(n, seed, threads, intervention=intervention, given=day, progress=more)
        found = effect(base, changed, threads=threads)
    if json_:
        put_data(found.to_dict() if run is None else {**found.to_dict(), "parting": found.told(run)})
    else:
        put_lines(report.comparison(found, name, run=run, width=width_of()))


@cli.command()
@click.argument("a")
@click.argument("b")
@runs
@seeded
@threaded
@click.option("--run", type=click.IntRange(0), metavar="I", help="Show where variant I parts from its twin.")
@as_json
@quiet
def compare(a: str, b: str, n: int | None, seed: int | None, threads: int | None, run: int | None, json_: bool, quiet: bool) -> None:
    """Compare two scenarios, such as two codings of one crisis.

    World by world: events and choices of the same name take the same chances. The questions that both ask are answered by
    each, and where both tell a history it is said how likely each makes it. N and SEED are by default those of A.
    """
    from escsim import report
    from escsim.effects import effect
    from escsim.forecasts import log_likelihood

    one, other = load_scenario(a), load_scenario(b)
    many, seed = n or one.variants.runs, one.variants.seed if seed is None else seed
    if run is not None and run >= many:
        raise click.UsageError(f"--run: variants are numbered 0 to {many - 1}")
    with lean(), progress_bar(2 * many, quiet) as progress, refusing():
        base = one.simulate(many, seed, threads, progress=progress)
        found = effect(base, other.simulate(many, seed, threads, progress=progress and (lambda done: progress(many + done))), threads=threads)
    likely = {}
    if one.history() is not None and other.history() is not None:
        likely = {name: log_likelihood(each) for name, each in ((one.name, one), (other.name, other))}
    if json_:
        more = {} if run is None else {"parting": found.told(run)}
        put_data({**found.to_dict(), **more, "log_likelihood": [None if value == -math.inf else value for value in likely.values()]})
        return
    put_lines(report.comparison(found, run=run, width=width_of()))
    if len(likely) > 1:
        put_lines(report.codings(likely, width=width_of()))


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

    scenario = load_scenario(s)
    for name in names:
        if name not in scenario.questions:
            raise click.UsageError(f"--question: there is none named {quoted(name)}: {suggest(name, scenario.questions, 'known questions')}")
    if not names and not json_:
        names = tuple(leading(scenario.questions))
    asked = {name: scenario.questions[name] for name in names} or (scenario.questions if json_ else {})
    with lean(), refusing():
        record = forecast(scenario, asked, n, seed=seed, threads=threads)
    if json_:
        put_data(record.to_dict())
    else:
        put_lines(report.forecasts(record, width=width_of()))
        talk(quiet, f"\nnext: escsim simulate {shlex.quote(s)} --from {record.forecasts[len(record.forecasts) // 2].day}     one of them in full")


@cli.command("selfcheck")
@as_json
def selfcheck_(json_: bool) -> None:
    """Hold escsim's answers against published ones.

    Models from other tools' tests and from textbooks, solved exactly where they are Markov chains, and sampled. The exit code is 1 if
    any answer does not agree.
    """
    from time import perf_counter

    from escsim import report, selfcheck

    began = perf_counter()
    models = selfcheck.known()  # loads what `lean` would keep out
    with lean():
        found = selfcheck.check(models)
    if json_:
        put_data(found.to_dict())
    else:
        put_lines(report.selfcheck(found, perf_counter() - began, width=width_of()))
    if found.agreeing < len(found.rows):
        sys.exit(1)
