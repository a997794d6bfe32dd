"""The command that tests a scenario: runs of it in ever new ways, until something does not hold."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from escsim.cli.common import as_json, cli, extending, find_file, force, put_data, quiet, talk, write_files

if TYPE_CHECKING:
    from escsim.testing import Broken


@cli.command("test")
@click.argument("s")
@click.option("--examples", type=click.IntRange(1, 10**6), default=200, show_default=True, metavar="N", help="Runs that are tried if none fails.")
@click.option("--steps", type=click.IntRange(1, 1000), default=50, show_default=True, metavar="N", help="Firings in a run at most.")
@click.option("--seed", type=click.IntRange(0, 2**64 - 1), metavar="SEED", help="Tries the same runs again; by default a new one each time.")
@click.option("--floor", multiple=True, metavar="KIND=SHARE", help="Fail below it: statuses=0.9, transitions, options or events.")
@click.option("-o", "--out", type=click.Path(path_type=Path, dir_okay=False), help="Write the smallest run that fails as a scenario.")
@force
@as_json
@quiet
def test(
    s: str, examples: int, steps: int, seed: int | None, floor: tuple[str, ...], out: Path | None, force: bool, json_: bool, quiet: bool
) -> None:
    """Run S in ever new ways until something does not hold.

    Hypothesis chooses what fires next, among all that clocks and chance allow. A run that breaks a `never` line or a shared status
    is shrunk, and told as a scenario that replays. What the runs came to, and what they never came to, is told as well.
    """
    try:
        from escsim import testing
    except ImportError as error:
        raise click.UsageError(str(error)) from None
    from random import SystemRandom

    from escsim.errors import AskedError, plain

    path = find_file(s)
    try:
        machine = testing.scenario_machine(path, floor=_floor(floor))
    except AskedError as error:
        raise click.UsageError(f"--floor: {error}") from None
    if out is not None:
        extending(out, path)
    number = SystemRandom().randrange(2**32) if seed is None else seed
    broken, low = None, ""
    try:
        machine.run(examples, steps, number)
    except testing.Broken as found:
        broken = found
    except AssertionError as error:
        low = str(error)
    if json_:
        told: dict[str, Any] = {"scenario": machine.scenario.name, "hash": machine.scenario.hash, "examples": machine.coverage.examples}
        failure = None if broken is None else {"message": broken.message, "scenario": _file(broken)[0], "run": broken.trajectory.to_dict()["steps"]}
        told |= {"steps": steps, "seed": number, "ok": not (broken or low), "coverage": machine.coverage.to_dict(), "below_floor": low or None}
        put_data(told | {"failure": failure})
    else:
        click.echo(f"{plain(str(path), 200)}, seed {number}: {machine.report()}")
    if low:
        click.echo(low, err=True)
    if broken is not None:
        click.echo(broken.message, err=True)
        _write(broken, out, path, force=force, quiet=quiet, silent=json_)
    elif out is not None:
        talk(quiet or json_, "no run fails, so nothing is written")
    if broken or low:
        sys.exit(1)


def _floor(said: tuple[str, ...]) -> dict[str, float]:
    """Read the floors, each KIND=SHARE."""
    found = {}
    for each in said:
        kind, equals, share = each.partition("=")
        try:
            found[kind] = float(share)
        except ValueError:
            equals = ""
        if not equals:
            raise click.UsageError(f"--floor: it is written --floor statuses=0.9, not {each!r}")
    return found


def _file(broken: Broken) -> tuple[str | None, str]:
    """Give the scenario file of a run, or say why there is none."""
    try:
        return broken.file, ""
    except ValueError as error:
        return None, f"the run cannot be written as a scenario: {error}"


def _write(broken: Broken, out: Path | None, path: Path, *, force: bool, quiet: bool, silent: bool) -> None:
    """Print the run that fails as a scenario, or write it."""
    from escsim.errors import plain

    text, why = _file(broken)
    if text is None:
        talk(quiet, why)
    elif out is not None:
        write_files({out: text.encode()}, force=force)
        after = f"next: escsim replay {shlex.quote(str(out))} --why"
        if broken.law.startswith("`shared"):
            after = "its replay is refused for the status that one mission holds alone"
        talk(quiet or silent, f"{plain(str(out), 200)}  {after}")
    elif not silent:
        talk(quiet, f"the run as a scenario, to be saved beside {path.name} (-o FILE):")
        click.echo(text, nl=False)
