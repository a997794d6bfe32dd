"""The command that learns from cases: how long absences took, and whether that foretells anything."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from escsim.cli.common import (
    as_json,
    cli,
    find_file,
    force,
    load_scenario,
    put_data,
    put_lines,
    quiet,
    refusing,
    suffix_of,
    talk,
    width_of,
    write_files,
)

if TYPE_CHECKING:
    from escsim.rates import Rate, Record
    from escsim.report import Line
    from escsim.validation import Validation


@cli.command("rates")
@click.argument("s", nargs=-1)
@click.option("--of", "name", metavar="RATE", help="One in full, with its laws and cases: a rate, STATUS, STATUS.TRIGGER or ACT.ANSWER.")
@click.option("--validate", is_flag=True, help="Forecast each case from the others, and say how that came out.")
@click.option("-o", "--out", type=click.Path(path_type=Path, dir_okay=False), help="Draw it (.png, .svg, .pdf); .yaml for base rates.")
@click.option("--print", "paper", is_flag=True, help="Draw for A4 paper instead of a screen.")
@force
@quiet
@as_json
def rates_(s: tuple[str, ...], name: str | None, validate: bool, out: Path | None, paper: bool, force: bool, quiet: bool, json_: bool) -> None:
    """Tell how long absences and answers took in each S.

    S are scenarios, and tables of absences (FILE.csv with the columns case, sender, host, start, end, worst_level, censored); without any, all
    that ship. Cases still open are kept, as censored.
    """
    from escsim import rate_tables, rates, validation
    from escsim.errors import suggest

    if validate and name:
        raise click.UsageError("--of does not go with --validate")
    if out is not None and (validate or name or s) and out.suffix in (".yaml", ".yml"):
        raise click.UsageError("-o FILE.yaml writes the base rates of all that ships; it takes no S, and does not go with --of and --validate")
    with refusing():
        record, found = _learnt(s)
        known = found if name is None else rates.details(record, found)
        if name is not None and name not in known:
            raise click.UsageError(f"no rate is called {name!r}: {suggest(name, known, 'there are')}")
        held = validation.validate(found) if validate else {}
        if validate and not held:
            raise click.UsageError(f"no rate has the {validation.LEAST} ended cases that it takes to leave one out")
        contents = {} if out is None else {out: _written(out, record, [known[name]] if name else [*found.values()], held, paper=paper)}
        lines = [*(rate_tables.validation(held, width_of()) if validate else _told(record, known, name))]
        told: dict[str, Any] = {"scenarios": record.scenarios}
        if validate:
            told["validation"] = {each: one.to_dict() for each, one in held.items()}
        elif json_:
            told |= {"rates": {name: known[name].to_dict()}} if name else rates.to_dict(record, found)
    write_files(contents, force=force)
    if json_:
        put_data(told)
    else:
        put_lines(lines)
    if out is not None:
        talk(quiet or json_, f"\n{out}")


def _told(record: Record, found: dict[str, Rate], name: str | None) -> Iterator[Line]:
    from escsim import rate_tables

    return rate_tables.table(record, found, width_of()) if name is None else rate_tables.one(found[name], width_of())


def _written(out: Path, record: Record, found: list[Rate], held: dict[str, Validation], *, paper: bool) -> bytes:
    """Give the contents of a file: a picture, or the base rates."""
    from escsim import plots, rates, survival

    if out.suffix in (".yaml", ".yml"):
        return rates.as_file(rates.packaged(record)).encode()
    suffix = suffix_of(out)
    whole = [rate for rate in found if len(found) == 1 or (rate.name.endswith("_to_return") and "agreement" not in rate.name)]
    if not whole:
        raise click.UsageError("there is nothing to draw: no mission stood below the level at which it started")
    picture = survival.calibration(held, paper=paper) if held else survival.away(whole[:5], paper=paper)
    return plots.render(picture.figure, suffix, picture.description)


def _learnt(s: tuple[str, ...]) -> tuple[Record, dict[str, Rate]]:
    """Gather what history did in scenarios and tables, by default in all that ships."""
    from escsim import rates
    from escsim.library import shipped
    from escsim.spells import FURTHER, tabled

    if not s:
        record = rates.gather((load_scenario(name) for name in shipped()), [tabled(FURTHER)])
        return record, {each: rate for each, (rate, _) in rates.packaged(record).items()}
    files = [find_file(each) for each in s]
    tables = [path for path in files if path.suffix.lower() in (".csv", ".tsv")]
    record = rates.gather((load_scenario(str(path)) for path in files if path not in tables), map(tabled, tables))
    return record, rates.rates(record)
