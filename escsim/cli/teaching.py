"""Commands for the classroom: the page of a lesson, and the same page live beside the file while it is written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from escsim.cli.common import as_json, cli, find_file, force, lean, load_scenario, put_data, quiet, refusing, seeded, talk, write_files

if TYPE_CHECKING:
    from escsim.lesson import Options
    from escsim.scenario import Scenario

SWITCHES = {"on": True, "off": False}
LESSON = (  # what a lesson is like: `read_options` reads them
    click.option("--minutes", type=click.Choice(["5", "15", "45"]), default="15", help="How long the lesson is to take; 15 by default."),
    click.option("-n", "n", type=click.IntRange(1, 10**7), metavar="N", help="How many variants behind every number; 100,000 by default."),
    seeded,
    click.option("--lang", metavar="LANG", help="Language of all that the scenario does not say itself: en by default."),
    click.option("--slider", metavar="NAME", help="The number on the slider, such as call_2.probability; by default the one that moves most."),
    click.option("--start", type=click.IntRange(1), metavar="SCREEN", help="Open on this screen."),
    click.option("--quiz", is_flag=True, help="Two questions before and after, with a tally to print."),
    click.option("--answers", is_flag=True, help="A page of answers behind the exercise sheet."),
    click.option("--presets", metavar="LIST", help="How it opens: text=0 to 3 (size), notes=on, keys=off; several with commas between."),
)


def lessons(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say what a lesson is like."""
    for option in reversed(LESSON):
        command = option(command)
    return command


def read_options(given: dict[str, Any]) -> Options:
    """Read the options of a lesson."""
    from escsim.lesson import Options
    from escsim.page import words

    with refusing("--lang: "):
        words(given["lang"] or "en")
    known = {field.name for field in fields(Options)}
    told = {name: value for name, value in given.items() if name in known and value is not None}
    for each in (given["presets"] or "").split(",") if given["presets"] else []:
        name, _, value = each.strip().partition("=")
        if name == "text" and value in ("0", "1", "2", "3"):
            told["text"] = int(value)
        elif name in ("notes", "keys") and value in SWITCHES:
            told[name] = SWITCHES[value]
        else:
            raise click.UsageError(f"--presets: {each.strip()!r} is none; they are text=0 to text=3, notes=on or off, keys=on or off")
    return Options(**{**told, "minutes": int(given["minutes"])})


@cli.command()
@click.argument("s")
@lessons
@click.option("-o", "--out", type=click.Path(path_type=Path, dir_okay=False), help="File to write; NAME.html by default.")
@click.option("--open", "open_", is_flag=True, help="Open it in the browser.")
@force
@quiet
@as_json
def page(s: str, out: Path | None, open_: bool, force: bool, quiet: bool, json_: bool, **given: Any) -> None:
    """Make a lesson of S, in one HTML file.

    For the projector and to hand out. It needs no network and no server, and goes on the keyboard: ? in it shows the keys.
    --json prints what is in it instead.
    """
    import webbrowser

    from escsim.lesson import lesson
    from escsim.page import page

    scenario, options = load_scenario(s), read_options(given)
    path = out or Path(f"{scenario.name}.html")
    if not json_ and path.suffix.lower() not in (".html", ".htm"):
        raise click.UsageError(f"a lesson is an HTML file: give {str(path)!r} the ending .html")
    with refusing(), lean():
        if json_:
            put_data(lesson(scenario, options))
            return
        made = page(scenario, options)
    write_files({path: made}, force=force)
    size = f"{len(made) / 1000:.0f} kB, {options.minutes} minutes"
    talk(quiet, f"{path}  {size}; open it in a browser (or --open), F is full screen, ? shows the keys")
    if open_:
        webbrowser.open(path.resolve().as_uri())


@cli.command()
@click.argument("s")
@lessons
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Of the address; by default any that is free.")
@click.option("--open", "open_", is_flag=True, help="Open the page in the browser.")
@quiet
def serve(s: str, port: int, open_: bool, quiet: bool, **given: Any) -> None:
    """Show the lesson of S while S is edited.

    To this computer only. The page follows the file: it comes anew when the file is saved, and says what is wrong with it.
    """
    import webbrowser

    from escsim import serve
    from escsim.page import page

    options, live = read_options(given), serve.script()

    def make(scenario: Scenario) -> bytes:
        with lean():
            return page(scenario, options, live=live)

    def announce(address: str) -> None:
        talk(quiet, f"{address} shows {s} as it is edited\nCtrl-C ends it")
        if open_:
            webbrowser.open(address)

    serve.serve(find_file(s), make, port, announce)
