"""The command line.

Exit codes: 0 done, 1 the input is wrong, 2 the command line is wrong, 70 a fault of escsim's own, 130 interrupted.
"""

from __future__ import annotations

import os
import sys
from typing import NoReturn

import click

from escsim.cli import common, drawing, importing, learning, teaching, telling, testing, variants  # which add the commands
from escsim.cli.common import cli

__all__ = ["cli", "common", "drawing", "importing", "learning", "main", "teaching", "telling", "testing", "variants"]


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
