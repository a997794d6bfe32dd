"""Commands for the classroom: the page of a scenario, live beside the file while it is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from escsim.cli.common import cli, find_file, lean, quiet, talk

if TYPE_CHECKING:
    from escsim.scenario import Scenario


@cli.command()
@click.argument("s")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Of the address; by default any that is free.")
@click.option("--open", "open_", is_flag=True, help="Open the page in the browser.")
@quiet
def serve(s: str, port: int, open_: bool, quiet: bool) -> None:
    """Show the classroom page of S while S is edited.

    To this computer only. The page follows the file: it comes anew when the file is saved, and says what is wrong with it.
    """
    import webbrowser

    from escsim import serve
    from escsim.page import Options, page  # type: ignore[import-untyped] # until it is there

    live = serve.script()

    def make(scenario: Scenario) -> bytes:
        with lean():
            return page(scenario, Options(), live=live)  # type: ignore[no-any-return] # until it is there

    def announce(address: str) -> None:
        talk(quiet, f"{address} shows {s} as it is edited\nCtrl-C ends it")
        if open_:
            webbrowser.open(address)

    serve.serve(find_file(s), make, port, announce)
