"""What `escsim check` finds odd: a scenario for each kind, the exact words, and runs that can be looked at.

A file of `odd/` begins with comments that hold what is said of it, after the name of the file. After a change of the words
`python tests/test_findings.py` writes what is said now into these comments: read the difference before you commit it.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import escsim
from escsim.explore import explore
from escsim.findings import findings, together

ODD = sorted((Path(__file__).parent / "odd").glob("*.yaml"))


def said(path: Path) -> list[str]:
    """Give the lines that are said of a file, without its name."""
    scenario = escsim.load(path)
    return "\n".join(map(str, findings(explore(scenario, together=together(scenario))))).replace(f"{path}:", "").splitlines()


def body(path: Path) -> tuple[list[str], list[str]]:
    """Give the comments at the head of a file, and its other lines."""
    lines = path.read_text("utf-8").splitlines()
    first = next(place for place, line in enumerate(lines) if not line.startswith("#"))
    return [line[2:] for line in lines[:first]], lines[first:]


def main() -> None:
    """Write into each file what is said of it now."""
    for path in ODD:
        while True:
            told = [f"# {line}" for line in said(path)]
            text = "\n".join([*told, *body(path)[1]]) + "\n"
            if text == path.read_text("utf-8"):
                break
            path.write_text(text, "utf-8")  # which may move the lines that are named


@pytest.mark.parametrize("path", [pytest.param(path, id=path.stem) for path in ODD])
def test_what_is_odd_about_a_file_is_said_in_these_words(path: Path) -> None:
    assert said(path) == body(path)[0]


if __name__ == "__main__":
    main()
