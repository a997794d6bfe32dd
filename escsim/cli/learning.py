"""The command that learns from cases: how long absences took, and whether that foretells anything."""

from __future__ import annotations

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


@cli.command("rates")
@click.argument("s", nargs=-1)
@click.option("--of", "name", metavar="RATE", help="Tell of one rate in full: the laws fitted to it, and its cases.")
@click.option("--validate", is_flag=True, help="Forecast each case from the others, and say how that came out.")
@click.option("-o", "--out", type=click.Path(path_type=Path, dir_okay=False), help="Draw it (.png, .svg, .pdf), or write the base rates (.yaml).")
@click.option("--print", "paper", is_flag=True, help="Draw for A4 paper instead of a screen.")
@force
@quiet
@as_json
def rates_(s: tuple[str, ...], name: str | None, validate: bool, out: Path | None, paper: bool, force: bool, quiet: bool, json_: bool) -> None:
    """Tell how long absences and answers took in each S.

    S are scenarios, and tables of absences (FILE.csv); without any, all that ship. Cases still open are kept, as censored.
    """
    from escsim import rate_tables, rates, survival, validation
    from escsim.errors import suggest

    if validate and name:
        raise click.UsageError("--of does not go with --validate")
    if out is not None and (validate or name) and out.suffix in (".yaml", ".yml"):
        raise click.UsageError("-o FILE.yaml writes all base rates; it does not go with --of and --validate")
    with refusing():
        record, found = _learnt(s)
        if name is not None and name not in found:
            raise click.UsageError(f"no rate is called {name!r}: {suggest(name, found, 'there are')}")
        held = validation.validate(found) if validate else {}
        if validate and not held:
            raise click.UsageError(f"no rate has the {validation.LEAST} ended cases that it takes to leave one out")
        if json_:
            told: dict[str, Any] = {"scenarios": record.scenarios, "rates": {each: found[each].to_dict() for each in ([name] if name else found)}}
            if validate:
                told = {"scenarios": record.scenarios, "validation": {each: one.to_dict() for each, one in held.items()}}
            elif name is None:
                told["ways"] = [
                    {
                        "status": stay.status,
                        "n": stay.staying.n,
                        "open": stay.staying.open,
                        "years": stay.years,
                        "ways": [way._asdict() | {"hazard": way.hazard._asdict()} for way in stay.ways],
                    }
                    for stay in rates.stays(record)
                ]
                told["answers"] = [{"to": to, "answer": action, "days": days} for (to, action), days in rates.answers(record).items()]
            put_data(told)
        elif validate:
            put_lines([*rate_tables.validation(held, width_of())])
        elif name is not None:
            put_lines([*rate_tables.one(found[name], width_of())])
        else:
            put_lines([*rate_tables.table(record, found, width_of())])
        if out is None:
            return
        if out.suffix in (".yaml", ".yml"):
            sources = {each: (rate, rates.SAMPLE if not s else f"{len(record.scenarios)} scenarios.") for each, rate in found.items()}
            contents = rates.as_file(sources).encode()
        else:
            from escsim import plots

            suffix = suffix_of(out)
            whole = [found[each] for each in ([name] if name else found) if name or (each.endswith("_to_return") and "agreement" not in each)]
            picture = survival.calibration(held, paper=paper) if validate else survival.away(whole[:5], paper=paper)
            contents = plots.render(picture.figure, suffix, picture.description)
    write_files({out: contents}, force=force)
    talk(quiet or json_, f"\n{out}")


def _learnt(s: tuple[str, ...]) -> tuple[Record, dict[str, Rate]]:
    """Gather what history did in scenarios and tables, by default in all that ships."""
    from escsim import rates
    from escsim.library import shipped
    from escsim.spells import FURTHER, tabled

    if not s:
        record = rates.gather((load_scenario(name) for name in shipped()), [tabled(FURTHER)])
        return record, {each: rate for each, (rate, _) in rates.packaged(record).items()}
    files = [find_file(each) for each in s]
    tables = [tabled(path) for path in files if path.suffix == ".csv"]
    record = rates.gather((load_scenario(str(path)) for path in files if path.suffix != ".csv"), tables)
    return record, rates.rates(record)
