"""Commands that tell of one scenario: what is in it, what happened and why, and all of it written up; and those that help to write one."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from escsim.cli.common import (
    FORMATS,
    apart,
    as_json,
    ascii_only,
    cli,
    daily,
    extending,
    find_file,
    force,
    from_day,
    json_bytes,
    lean,
    load_scenario,
    progress_bar,
    put_data,
    put_lines,
    quiet,
    read_day,
    runs,
    seeded,
    talk,
    threaded,
    width_of,
    write_files,
)
from escsim.cli.drawing import drawings

if TYPE_CHECKING:
    from escsim.errors import Problem
    from escsim.explore import Space
    from escsim.findings import Finding
    from escsim.scenario import Scenario


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
    from escsim.summary import everything, summary

    scenario = load_scenario(s)
    folder = out or Path("out") / scenario.name
    with lean(), progress_bar(n or scenario.variants.runs, quiet):
        found = everything(scenario, n, seed, threads)
        data: dict[str, Any] = {"variants": results.to_dict(found.ensemble, found.answers, found.solved)}
        contents = {folder / "variants.json": json_bytes(data["variants"])}
        if found.comparisons:
            data["what_if"] = {name: each.to_dict() for name, each in found.comparisons.items()}
            contents[folder / "what_if.json"] = json_bytes(data["what_if"])
        if found.history is not None:
            data["replay"] = found.history.to_dict()
            contents[folder / "replay.json"] = json_bytes(data["replay"])
            contents[folder / "replay.csv"] = report.to_csv(found.history).encode()
        if found.record is not None:
            data["forecast"] = found.record.to_dict()
            contents[folder / "forecast.json"] = json_bytes(data["forecast"])
        shown = {}
        for kind, picture in drawings(found):
            for suffix in dict.fromkeys(formats):
                contents[folder / f"{kind}.{suffix}"] = plots.render(picture.figure, suffix, picture.description)
            if kind != "trajectory":  # whose numbers are the replay's
                contents[folder / f"{kind}.csv"] = files.as_csv(picture.rows)
            shown[kind] = f"{kind}.{formats[0]}", picture.description
    command = shlex.join(["escsim", "run", s, *(["-n", str(n)] if n else []), *(["--seed", str(seed)] if seed is not None else [])])
    contents = {folder / "summary.md": summary(replace(found, pictures=shown, command=command)).encode(), **contents}
    write_files(contents, force=force, instead=", or -o FOLDER for another place")
    if json_:
        put_data({"scenario": scenario.name, "hash": scenario.hash, **data, "files": [str(path) for path in contents]})
    else:
        if found.history is not None:
            put_lines(report.replay(found.history, width=width_of(), ascii_only=ascii_only()))
        put_lines(report.answers(scenario, found.answers, width=width_of()))
    talk(
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

    scenario = load_scenario(s)
    trajectory = scenario.replay()
    last = read_day(scenario, until)
    if json_:
        data = trajectory.to_dict()
        if last is not None:
            data["days"] = {day: held for day, held in data["days"].items() if day <= last.isoformat()}
            data["steps"] = [step for step in data["steps"] if step["date"] <= last.isoformat()]
            data["not_happened"] = []  # what has not happened by then may still
        put_data(data)
        return
    put_lines(report.replay(trajectory, width=width_of(), why=why, until=last, ascii_only=ascii_only()))
    if not why:
        talk(quiet, f"\nnext: escsim replay {shlex.quote(s)} --why")


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
    scenario = load_scenario(s)
    day = read_day(scenario, date)
    if run is None:
        trajectory = scenario.replay()
    else:
        from escsim import ensemble

        with lean():
            trajectory = ensemble.trajectory(scenario, run, seed=seed, given=read_day(scenario, from_))
    if run is None and day is None and json_:
        put_data(trajectory.to_dict())
    elif run is None and day is None:
        put_lines(report.replay(trajectory, width=width_of(), why=True, ascii_only=ascii_only()))
    elif json_:
        put_data(explain.told(trajectory, day))
    else:
        put_lines(report.why(trajectory, day, width=width_of()))


@cli.command("exact")
@click.argument("s")
@daily
@as_json
def exact_(s: str, daily: bool, json_: bool) -> None:
    """Solve S exactly, if it is a Markov chain.

    That is, if every delay is exponential. Where the missions stand day by day, how long they spend in each status, and when they first reach it.
    """
    from escsim import exact, report

    scenario = load_scenario(s)
    solved = exact.solve(scenario).to_dict()
    if json_:
        put_data({"scenario": scenario.name, "hash": scenario.hash, **solved})
    else:
        put_lines(report.exact(scenario, solved, width=width_of(), daily=daily))


@cli.command()
@click.argument("s", nargs=-1, required=True)
@click.option("--max-states", "most", type=click.IntRange(1), metavar="N", help="Look at no more states of a scenario; 50,000 by default.")
@click.option("-o", "--out", type=click.Path(path_type=Path, dir_okay=False), help="Write the shortest run that breaks a `never` line as a scenario.")
@click.option("--history", is_flag=True, help="Only say whether history is a run of the model, and else which fewest events are to blame.")
@click.option("--expect", is_flag=True, help="Only say whether the `expect` of each question holds, decided exactly or by a sequential test.")
@click.option("-n", "n", type=click.IntRange(1, 10**8), metavar="N", help="With --expect: variants after which a test gives up; 100,000 by default.")
@seeded
@force
@as_json
@quiet
def check(
    s: tuple[str, ...],
    most: int | None,
    out: Path | None,
    history: bool,
    expect: bool,
    n: int | None,
    seed: int | None,
    force: bool,
    json_: bool,
    quiet: bool,
) -> None:
    """Say all that is wrong with each S, and what is odd about it.

    Its form, its names and dates, and whether its history is a run of its model: every fault with its line and a remedy. Then all
    that it can do is looked at, whatever chance says: what never happens, what cannot be left, what never matters, what breaks a
    `never` line.
    """
    if out is not None and len(s) > 1:
        raise click.UsageError("-o goes with one S")
    only = {"--history": history, "--expect": expect}
    apart(only)
    for name, value in {"-o": out, "--max-states": most}.items():
        for other, chosen in only.items():
            apart({other: chosen, name: value})
    if not expect and (n, seed) != (None, None):
        raise click.UsageError("-n and --seed go with --expect")
    if history:
        _check_history(s, json_=json_, quiet=quiet)
    elif expect:
        _check_expect(s, n, seed, json_=json_, quiet=quiet)
    else:
        _check_all(s, most, out, force=force, json_=json_, quiet=quiet)


def _check_all(s: tuple[str, ...], most: int | None, out: Path | None, *, force: bool, json_: bool, quiet: bool) -> None:
    """Say of each scenario what is wrong with it, and what is odd about it."""
    from escsim.errors import ScenarioError, plain

    told = []
    for each, path in [(each, find_file(each)) for each in s]:
        problems, odd, space = _checked(path, most)
        grave = any(one.grave for one in odd)
        faults = [{**place._asdict(), "message": message, "remedy": remedy} for place, message, remedy in problems]
        looked = None if space is None else {"states": space.states, "whole": space.whole, "findings": [one.to_dict() for one in odd]}
        told.append({"scenario": each, "ok": not problems and not grave, "problems": faults, "explored": looked})
        if not json_:
            lines = [str(ScenarioError(problems))] if problems else [str(one) for one in odd if one.grave or not (quiet or one.kind == "unused")]
            for line in lines:
                click.echo(line, err=True)
            if space is not None and (grave or not quiet):
                sound = "in order: " * (not grave and space.whole)
                click.echo(f"{plain(str(path), 200)}: {sound}{_counted(space.scenario)}, {_explored(space)}", err=grave)
                for one in odd:
                    if one.kind == "unused":  # as most of a ladder that ships is in most scenarios: no more than a line after the others
                        click.echo(f"    {one.message}", err=grave)
        if out is not None:
            if problems:
                talk(quiet or json_, "the file is wrong, so nothing is written")
            else:
                _write_run(path, odd, out, force=force, quiet=quiet or json_)
    if json_:
        put_data(told)
    if not all(each["ok"] for each in told):
        sys.exit(1)


def _checked(path: Path, most: int | None) -> tuple[tuple[Problem, ...], list[Finding], Space | None]:
    """Give what is wrong with a file, what is odd about it, and all that it can do if nothing is wrong."""
    from escsim.errors import Place, Problem, ScenarioError
    from escsim.explore import MOST_STATES, explore
    from escsim.findings import Finding, findings, together
    from escsim.fit import impossible
    from escsim.library import load
    from escsim.replay import violations

    try:
        scenario = load(path)
        if problems := violations(scenario.replay()):
            return ScenarioError(problems).problems, [], None
        space = explore(scenario, most or MOST_STATES, together(scenario))
        odd = findings(space)
        odd += [Finding("history", *problem) for problem in impossible(scenario) if all(one.place.line != problem.place.line for one in odd)]
        return (), sorted(odd, key=lambda one: one.place), space
    except ScenarioError as raised:
        return raised.problems, [], None
    except OSError as raised:
        return (Problem(Place(str(path)), f"cannot be read: {raised.strerror or raised}"),), [], None


def _check_history(s: tuple[str, ...], *, json_: bool, quiet: bool) -> None:
    """Say of each scenario whether history is a run of its model."""
    from escsim.errors import listed, plain
    from escsim.fit import fit

    told = []
    for each, path in [(each, find_file(each)) for each in s]:
        found = fit(load_scenario(str(path)))
        faults = [{**place._asdict(), "message": message, "remedy": remedy} for place, message, remedy in found.problems]
        never = [{**place._asdict(), "message": message, "remedy": remedy} for place, message, remedy in found.unlikely]
        told.append({"scenario": each, "fits": not (faults or never), "dated": found.dated, "problems": faults, "blamed": found.blamed})
        told[-1]["impossible"] = never
        name = plain(str(path), 200)
        if json_:
            continue
        if found.unlikely:
            for problem in found.unlikely:
                click.echo(str(problem), err=True)
            click.echo(f"{name}: by its dates history is a run of the model: all {found.dated}; by its chances and delays it cannot happen", err=True)
        elif not (faults or quiet):
            click.echo(f"{name}: history is a run of the model: all {found.dated} dated events")
        if not faults:
            continue
        for problem in found.problems:
            click.echo(str(problem), err=True)
        if found.blamed:
            ways = "; or ".join(listed(names) for names in found.blamed[:6])
            click.echo(f"{name}: history fits without the date{'s' * (found.tried > 1)} of {ways}{'; or others' * (len(found.blamed) > 6)}", err=True)
        else:
            click.echo(
                f"{name}: no {found.tried} events are to blame: without any {found.tried} of the {found.dated} it does not fit either", err=True
            )
    if json_:
        put_data(told)
    if not all(each["fits"] for each in told):
        sys.exit(1)


def _check_expect(s: tuple[str, ...], n: int | None, seed: int | None, *, json_: bool, quiet: bool) -> None:
    """Say of each scenario whether what its questions expect holds."""
    from escsim.expectations import MOST, WITHIN, WRONG, verdicts
    from escsim.report import verdict

    told = []
    for each, path in [(each, find_file(each)) for each in s]:
        scenario = load_scenario(str(path))
        with lean():
            found = verdicts(scenario, n or MOST, seed)
        told.append({"scenario": each, "ok": all(one.says != "fails" for one in found), "within": WITHIN, "wrong": WRONG})
        told[-1]["expected"] = [one.to_dict() for one in found]
        for one in found:
            if not json_ and (one.says == "fails" or not quiet):
                click.echo(f"{scenario.place('questions', one.question, 'expect')}: {verdict(one)}", err=one.says == "fails")
        if not found and not json_:
            talk(quiet, f'{path.name}: no question says what it expects; write `expect: ">= 0.8"` beside one')
    if json_:
        put_data(told)
    if not all(each["ok"] for each in told):
        sys.exit(1)


def _explored(space: Space) -> str:
    """Say how far a space was looked at."""
    if space.whole:
        return f"{space.states:,} states, all that there are"
    part = [group for group in space.groups if not group.whole]
    left = [space.scenario.missions[place] for place in sorted({place for group in part if group.aim is None for place in group.missions})]
    left += [space.scenario.events[group.aim].id for group in part if group.aim is not None]
    shown = ", ".join(left[:6]) + (" and others" if len(left) > 6 else "")
    return f"{space.states:,} states looked at and more to come, so that of {shown} it is not settled what never happens (--max-states)"


def _write_run(path: Path, odd: list[Finding], out: Path, *, force: bool, quiet: bool) -> None:
    """Write the shortest run that breaks a `never` line as a scenario that extends the file."""
    from escsim.errors import plain
    from escsim.witness import as_file

    broken = min((each for each in odd if each.kind == "never"), key=lambda each: len(each.run.steps) if each.run else 0, default=None)
    if broken is None or broken.run is None or broken.tick is None:
        talk(quiet, "no run was found that breaks a `never` line, so nothing is written")
        return
    extending(out, path)
    scenario = broken.run.scenario
    summary = f"No history: the shortest run found that breaks the `never` line of {Path(broken.place.file).name} in line {broken.place.line}."
    try:
        text = as_file(broken.run, path.name, broken.tick, f"{scenario.title}: a run that breaks a never line", summary)
    except ValueError as error:
        talk(quiet, f"the run cannot be written as a scenario: {error}")
        return
    write_files({out: text.encode()}, force=force)
    talk(quiet, f"{plain(str(out), 200)}  next: escsim replay {shlex.quote(str(out))} --why")


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
@click.option("--cases", "what", flag_value="cases", help="What became of the missions in each scenario.")
@click.option("--rates", "what", flag_value="rates", help="The base rates that a delay may lean on by name.")
@as_json
def list_(what: str | None, json_: bool) -> None:
    """List the scenarios, actions, ladders or base rates that ship."""
    from escsim import actions, base_rates, ladder, library, report

    data: Any
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
    elif what == "rates":
        known = base_rates.shipped()
        data = {name: each.model_dump() for name, each in known.items()}
        head = ["base rate", "what it rests on"]
        said = {name: next(iter(each.law.values())) for name, each in known.items()}
        rows = [(name, f"{each.told}: {', '.join(f'{key} {value}' for key, value in said[name].items())}") for name, each in known.items()]
    elif what == "cases":
        from escsim import rate_tables

        rows = rate_tables.cases(map(library.load, library.shipped()))
        head = [*rate_tables.CASES]
        data = [dict(zip(rate_tables.CASES, row, strict=True)) for row in rows]
    else:
        scenarios = {name: library.load(path) for name, path in library.shipped().items()}
        data = {name: {"title": scenario.title, "missions": scenario.missions} for name, scenario in scenarios.items()}
        head = ["scenario", "title"]
        rows = [(name, scenario.title) for name, scenario in scenarios.items()]
    if json_:
        put_data(data)
    else:
        put_lines(report.columns(head, rows, width_of()))


@cli.command()
@click.argument("s")
@click.option("--yaml", "yaml_", is_flag=True, help="Print the file itself.")
@as_json
def show(s: str, yaml_: bool, json_: bool) -> None:
    """Describe S: missions, ladder, events, choices, limits."""
    from escsim import report

    scenario = load_scenario(s)
    if yaml_:
        click.echo(find_file(s).read_bytes(), nl=False)
    elif json_:
        said = scenario.model_dump(mode="json", by_alias=True, exclude_none=True)
        put_data({"name": scenario.name, "hash": scenario.hash, "missions": scenario.missions, **said})
    else:
        put_lines(report.show(scenario, width=width_of()))


SCHEMA_FILE = "escsim.schema.json"


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
    source = find_file(from_) if from_ else Path(__file__).parent.parent / "example.yaml"
    text_of(source, str(source))  # refuses what is no text
    schema = path.parent / SCHEMA_FILE
    ours = schema.is_file() and b'"title": "escsim scenario"' in schema.read_bytes()[:1000]
    write_files({path: source.read_bytes()}, force=force)
    write_files({schema: json_bytes(scenario_schema())}, force=force or ours)
    talk(quiet, f"ready: {path}, and {schema} for your editor\nnext: escsim check {shlex.quote(str(path))}")


@cli.command()
def schema() -> None:
    """Print the JSON Schema of scenario files, for editors."""
    from escsim.schema import scenario_schema

    put_data(scenario_schema())
