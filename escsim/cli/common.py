"""What the commands share: the group they belong to, their options, and how they read, write and talk.

Data goes to stdout, talk to stderr; heavy modules are imported inside the commands that need them.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import date as Day
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from escsim import __version__

if TYPE_CHECKING:
    from escsim.report import Line
    from escsim.scenario import Intervention, Scenario
    from escsim.sensitivity import Sweep

HELP = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
STYLES: dict[str, dict[str, Any]] = {
    "bold": {"bold": True},
    "dim": {"dim": True},
    "worse": {"fg": "yellow", "bold": True},
    "better": {"fg": "cyan", "bold": True},
}
FORMATS = ("png", "svg", "pdf")
NARROWEST, WIDEST = 72, 120


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
    escsim page iran-pakistan-2024        a lesson for a class, in one HTML file
    escsim new my-crisis                  a file to start from, then: escsim check my-crisis.yaml
    """  # noqa: D301 -- \b is click's mark for "do not rewrap"
    if ctx.invoked_subcommand is None:
        from escsim.library import shipped

        click.echo(ctx.get_help())
        names = textwrap.fill(", ".join(shipped()), 78, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False)
        click.echo(f"\nScenarios that ship with escsim:\n{names}")


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


def apart(options: dict[str, Any]) -> None:
    """Refuse options that do not go together."""
    said = [name for name, value in options.items() if value not in (None, False)]
    if len(said) > 1:
        raise click.UsageError(f"{said[0]} does not go with {said[1]}")


def extending(out: Path, path: Path) -> None:
    """Refuse a place for a scenario that extends the one at `path`, which has been read: it lies beside it, and is no file that it stands on."""
    from escsim.reading import parse, text_of

    if out.suffix not in (".yaml", ".yml"):
        raise click.UsageError(f"-o: a scenario is a YAML file: give {str(out)!r} the ending .yaml")
    place = Path(os.path.realpath(out))  # which, unlike `resolve`, bears with links in a circle
    if place.parent != path.resolve().parent:
        raise click.UsageError(f"-o: it extends {path.name}, so it has to lie beside it: {path.parent / out.name}")
    below: Path | None = path
    while below is not None:
        if place == below.resolve():
            raise click.UsageError(f"-o: {out.name} is what the run is written on top of; give it another name")
        link = parse(text_of(below, below.name), below.name).root.child("extends")
        below = below.parent / str(link.value) if link is not None else None


def read_day(scenario: Scenario, date: str | None) -> Day | None:
    """Read a day of a scenario's period."""
    with refusing():
        return scenario.period.day(date) if date else None


def sweep(scenario: Scenario, vary: str, n: int | None, seed: int | None, threads: int | None, *, quiet: bool) -> Sweep:
    """Run a scenario along one of its numbers, said as NAME=LOW:HIGH:STEP."""
    from escsim import ranges, sensitivity
    from escsim.errors import quoted

    name, equals, steps = vary.partition("=")
    if not equals:
        raise click.UsageError(f"--vary: it is written --vary EVENT.probability=0:1:0.1 or CHOICE.OPTION=0:1:0.1, not {quoted(vary)}")
    with refusing("--vary: "):
        values = ranges.parameter(scenario, name).steps(steps)
        with lean(), progress_bar((len(values) + 1) * (n or scenario.variants.runs), quiet) as progress:
            return sensitivity.vary(scenario, name, values, n, seed, threads=threads, progress=progress)


def read_what_if(scenario: Scenario, name: str | None, changes: dict[str, Any]) -> Intervention:
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
        told = [
            ": ".join(filter(None, (re.sub(r"what_if\.asked\.(\w+)\.", r"--\1 ", problem.message), problem.remedy))) for problem in error.problems
        ]
        raise click.UsageError("\n".join(told)) from None


@contextmanager
def refusing(option: str = "") -> Iterator[None]:
    """Refuse on the command line what a scenario does not have or allow, with the option that asks for it before the message."""
    from escsim.errors import AskedError

    try:
        yield
    except AskedError as error:
        raise click.UsageError(f"{option}{error}") from None


@contextmanager
def lean() -> Iterator[None]:
    """Keep numba from importing what takes its time and is of no use here: SciPy's linear algebra, and coverage where that is installed."""
    names = [name for name in ("scipy.linalg.cython_blas", "coverage") if name not in sys.modules]
    sys.modules.update(dict.fromkeys(names))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in names:
            del sys.modules[name]


@contextmanager
def progress_bar(n: int, quiet: bool, label: str = "variants") -> Iterator[Callable[[int], None] | None]:
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


def suffix_of(path: Path) -> str:
    """Give the format that the name of a picture ends with."""
    suffix = path.suffix.lstrip(".").lower()
    if suffix not in FORMATS:
        raise click.UsageError(f"cannot tell the format of {str(path)!r}; give it one of the endings .png, .svg, .pdf")
    return suffix


def write_files(contents: dict[Path, bytes], *, force: bool, instead: str = "") -> None:
    """Write files, all or none; `instead` says what else there is to do if one is in the way."""
    from escsim import files

    try:
        files.write(contents, force=force)
    except files.OccupiedError as error:
        raise click.UsageError(f"already there, with other contents: {error}; add --force to replace{instead}") from None


def find_file(s: str) -> Path:
    """Find the file that S stands for."""
    from escsim.library import find

    try:
        return find(s)
    except FileNotFoundError as error:
        raise click.UsageError(str(error)) from None


def load_scenario(s: str) -> Scenario:
    """Load the scenario that S stands for."""
    from escsim.library import load

    return load(find_file(s))


def json_bytes(data: Any) -> bytes:
    """Write data as JSON."""
    from escsim.files import as_json

    return as_json(data)


def put_data(data: Any) -> None:
    """Print data as JSON in UTF-8, whatever the terminal's encoding."""
    click.echo(json_bytes(data), nl=False)


def put_lines(lines: Iterable[Line]) -> None:
    """Print lines with their styles."""
    colour = False if os.environ.get("NO_COLOR") else None  # else on terminals only; see no-color.org
    for text, style in lines:
        click.echo(click.style(text, **STYLES[style]) if style in STYLES else text, color=colour)


def width_of() -> int:
    """Give the width of the terminal, as far as text in it can be read."""
    return min(max(shutil.get_terminal_size((100, 24)).columns, NARROWEST), WIDEST)


def ascii_only() -> bool:
    """Tell whether the terminal lacks the signs of a replay."""
    try:
        "▼▲●○".encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return True
    return False


def talk(quiet: bool, text: str) -> None:
    """Say something beside the data."""
    if not quiet:
        click.echo(text, err=True)
