"""The command that makes the skeleton of a scenario from event data."""

from __future__ import annotations

import re
import shlex
import sys
from datetime import date as Day
from pathlib import Path
from typing import TYPE_CHECKING

import click

from escsim.cli.common import as_json, cli, force, put_data, quiet, talk, write_files

if TYPE_CHECKING:
    from escsim.importing import Gathered, Skeleton, Wanted

FILE = click.Path(path_type=Path, dir_okay=False, exists=True)


@cli.command("import")
@click.argument("file", required=False, type=FILE)
@click.option("--map", "map_", type=FILE, metavar="MAP.yaml", help="What codes and actors mean, laid over the table that ships.")
@click.option("--write-map", type=click.Path(path_type=Path, dir_okay=False), metavar="MAP.yaml", help="Write that table out, to be edited.")
@click.option(
    "--layout", type=click.Choice(["gdelt", "icews", "polecat", "plain"]), help="How FILE is laid out; found by its first line if not given."
)
@click.option("--actors", metavar="IRN,PAK", help="Only what is between these.")
@click.option("--from", "from_", metavar="DATE", help="Only what is on or after this day.")
@click.option("--to", metavar="DATE", help="Only what is on or before this day.")
@click.option("--reports", type=click.IntRange(1), default=1, metavar="N", help="Only events with at least so many reports.")
@click.option("--ladder", default="missions", show_default=True, metavar="NAME", help="The ladder of the scenario: `escsim list --ladders`.")
@click.option(
    "-o", "--out", type=click.Path(path_type=Path, dir_okay=False), metavar="S.yaml", help="Where to write the scenario; printed if not given."
)
@force
@as_json
@quiet
def import_(
    file: Path | None,
    map_: Path | None,
    write_map: Path | None,
    layout: str | None,
    actors: str | None,
    from_: str | None,
    to: str | None,
    reports: int,
    ladder: str,
    out: Path | None,
    force: bool,
    json_: bool,
    quiet: bool,
) -> None:
    """Make the skeleton of a scenario from event data in FILE.

    From dates, actors and codes as in exports of GDELT, ICEWS and POLECAT, or a table with the columns date, source, target, code and
    text. Reports of one act become one event. What a code cannot tell is left open and asked; rows that are wrong are named (exit code 1).
    """
    if write_map is not None:
        from escsim.codes import SHIPPED

        write_files({write_map: SHIPPED.read_bytes()}, force=force)
        talk(quiet, f"ready: {write_map}\nnext: edit it, then escsim import FILE --map {shlex.quote(str(write_map))}")
        if file is None:
            return
    if file is None:
        raise click.UsageError("say which FILE to import, or --write-map MAP.yaml")
    from escsim import importing
    from escsim.errors import Place, Problem, ScenarioError, suggest
    from escsim.ladder import shipped

    if ladder not in shipped():
        raise click.UsageError(f"--ladder: there is no {ladder!r}: {suggest(ladder, shipped(), 'those that ship')}")
    if out is not None and out.suffix not in (".yaml", ".yml"):
        raise click.UsageError(f"-o: a scenario is a YAML file: give {str(out)!r} the ending .yaml")
    layout, found = _read(file, layout, map_, _wanted(actors, from_, to, reports))
    if not found.acts:
        raise ScenarioError(
            [Problem(Place(str(file)), f"no event is left: {_counted(found)}", "see --actors, --from, --to, --reports, and the table of --map")]
        )
    made = importing.skeleton(found, file.name, ladder)
    if out is not None:
        write_files({out: made.text.encode()}, force=force)
    elif not json_:
        click.echo(made.text.encode(), nl=False)
    if json_:
        put_data(_data(file, layout, found, made, out))
    _tell(file, layout, found, made, out, quiet=quiet or json_)
    if found.malformed:
        sys.exit(1)


def _read(file: Path, layout: str | None, map_: Path | None, wanted: Wanted) -> tuple[str, Gathered]:
    """Read a file, and say what is wrong with its rows; gives its layout too."""
    from escsim import codes, importing, layouts

    table = codes.load(map_) if map_ is not None else codes.Codes()
    with file.open("rb") as data:
        sheet = layouts.open_sheet(data, str(file), layout)
        found = importing.gather(sheet, str(file), table, wanted)
    for fault in found.faults:
        click.echo(importing.faulty(str(file), fault), err=True)
    if (more := found.malformed - len(found.faults)) > 0:
        click.echo(f"... and {more:,} more malformed rows", err=True)
    return sheet.layout, found


def _wanted(actors: str | None, from_: str | None, to: str | None, reports: int) -> Wanted:
    """Read which rows are wanted."""
    from escsim.errors import quoted
    from escsim.importing import Wanted

    keys = [each.strip() for each in actors.split(",")] if actors is not None else []
    if any(not re.fullmatch("[A-Za-z][A-Za-z0-9_]*", each) for each in keys) or len(set(keys)) == 1:
        raise click.UsageError(f"--actors: two keys or more, with commas between: --actors IRN,PAK, not {quoted(actors)}")
    days = {}
    for option, text in (("--from", from_), ("--to", to)):
        try:
            days[option] = None if text is None else Day.fromisoformat(text)
        except ValueError:
            raise click.UsageError(f"{option}: {quoted(text)} is no day; days are written YYYY-MM-DD, such as 2024-01-26") from None
    first, last = days["--from"] or Day.min, days["--to"] or Day.max
    if first > last:
        raise click.UsageError("--from is later than --to")
    return Wanted(keys, first, last, reports)


def _counted(found: Gathered) -> str:
    """Say what became of the rows."""
    parts = [f"{_number(found.rows, 'row')} read", *(f"{number:,} {why}" for why, number in found.left.items())]
    return ", ".join([*parts, f"{found.malformed:,} malformed"])


def _tell(file: Path, layout: str, found: Gathered, made: Skeleton, out: Path | None, *, quiet: bool) -> None:
    """List what is asked, and say what became of the rows."""
    from escsim.errors import plain

    name = plain(str(file), 200)
    for question in made.questions:
        talk(quiet, f"{name}:{question.row}: question: {question.text}")
    asked = _number(len(made.questions), "question")
    talk(quiet, f"{name}, {layout}: {_counted(found)}; {_number(made.events, 'event')} ({_number(found.folded, 'row')} folded), {asked}")
    if out is not None:
        todo = f"answer the {asked} in" if made.questions else "read"
        talk(quiet, f"next: {todo} {plain(str(out), 200)}, then escsim check {shlex.quote(str(out))}")


def _number(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' * (number != 1)}"


def _data(file: Path, layout: str, found: Gathered, made: Skeleton, out: Path | None) -> dict[str, object]:
    """Give what came of it as plain data."""
    return {
        "file": str(file),
        "layout": layout,
        "rows": found.rows,
        "left_out": dict(found.left),
        "malformed": found.malformed,
        "faults": [{"row": number, "message": message, "remedy": remedy} for number, message, remedy in found.faults],
        "folded": found.folded,
        "events": made.events,
        "questions": [question._asdict() for question in made.questions],
        **({"scenario": made.text} if out is None else {"out": str(out)}),
    }
