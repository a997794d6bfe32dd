"""The program `escsim`, also run as `python -m escsim`: Ctrl-C is settled before anything heavy is imported."""

from __future__ import annotations

import gc
import os
import signal
import sys
from typing import NoReturn


def main() -> NoReturn:
    """Run the command line; Ctrl-C ends it at once with exit code 130 and no half-written file."""
    signal.signal(signal.SIGINT, _leave)
    gc.set_threshold(100_000)  # nearly all that a command makes at first are modules, which stay
    from escsim.cli import main as run

    try:
        run()
    except SystemExit as leaving:
        os._exit(int(leaving.code or 0))  # all is written and flushed; taking down numba in good order costs a third of a second


def _leave(number: int, frame: object) -> None:  # noqa: ARG001
    """Leave without unwinding: an exception raised in the midst of C code or of a callback may be swallowed there."""
    files = sys.modules.get("escsim.files")
    for name in list(getattr(files, "PENDING", ())):
        try:
            os.unlink(name)
        except OSError:
            continue
    if os.isatty(2):
        os.write(2, b"\x1b[?25h\n")  # the cursor, which a progress bar hides
    os.write(2, b"interrupted\n")
    os._exit(130)


if __name__ == "__main__":
    main()
