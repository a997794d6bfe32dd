"""Finding and loading scenarios: by path, or by the name of one that ships with escsim."""

from __future__ import annotations

import json
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from escsim.errors import ScenarioError, suggest

if TYPE_CHECKING:  # what ships is named without importing what reads it
    from escsim.reading import Document
    from escsim.scenario import Intervention, Scenario

_HERE = Path(__file__).parent


def shelf() -> Path:
    """Give the folder of the shipped scenarios: inside the package when installed, beside it in a checkout."""
    inside = _HERE / "scenarios"
    return inside if inside.is_dir() else _HERE.parent / "scenarios"


def shipped() -> dict[str, Path]:
    """Give the shipped scenarios: name -> file."""
    return {path.stem: path for path in sorted(shelf().glob("*.yaml"))}


def find(path_or_name: str | PathLike[str]) -> Path:
    """Find the file of a scenario from its path, or the name of a shipped one; a file that exists wins.

    Parameters
    ----------
    path_or_name : str or path-like
        For a shipped scenario its name, without ".yaml".

    Returns
    -------
    Path

    Raises
    ------
    FileNotFoundError
        If there is neither; the message says what was probably meant.
    """
    path, name, names = Path(path_or_name), str(path_or_name), shipped()
    if path.exists() and not path.is_dir():
        return path
    if name in names:
        return names[name]
    if path.is_dir():
        raise FileNotFoundError(f"{path} is a folder, not a scenario file")
    beside = path.with_name(f"{path.name}.yaml")
    hint = f"did you mean {str(beside)!r}?" if beside.is_file() else suggest(path.stem, names, "shipped scenarios")
    raise FileNotFoundError(f"there is no file and no shipped scenario {name!r}; {hint}")


def load(path_or_name: str | PathLike[str]) -> Scenario:
    """Load a scenario from a file, or a shipped one by its name: complete and consistent.

    Whether its history is a run of its model is for `Scenario.replay` to say.

    Parameters
    ----------
    path_or_name : str or path-like
        As for `find`.

    Returns
    -------
    Scenario

    Raises
    ------
    ScenarioError
        If the file is wrong: `problems` holds all its faults, each with place and remedy.
    FileNotFoundError
        If there is no such file or scenario.

    Examples
    --------
    >>> load("iran-pakistan-2024").missions
    ('PAK->IRN', 'IRN->PAK')
    """
    from escsim.reading import read

    path = find(path_or_name)
    return validate(read(path), path.stem)


def validate(document: Document, name: str = "") -> Scenario:
    """Turn a document into a scenario.

    Parameters
    ----------
    document : Document
        As `escsim.reading.read` gives it.
    name : str
        What the scenario is called: in listings, and in the names of what is written.

    Returns
    -------
    Scenario

    Raises
    ------
    ScenarioError
        If anything is wrong in it: `problems` holds all faults, those of the reading too.
    """
    from escsim import checks
    from escsim.forms import fill
    from escsim.scenario import Scenario

    filled = fill(Scenario, document.root)
    said = {problem.place for problem in document.problems}
    problems = document.problems + [problem for problem in filled.problems if problem.place not in said]
    if filled.form is not None:
        scenario = filled.form.located(filled.root, document, name)
        lines = {problem.place[:2] for problem in problems}  # what else is wrong on these is but an echo
        found = checks.problems(scenario, filled)
        problems += [problem for problem in found if problem.place[:2] not in lines]
        if not problems:
            return scenario
    raise ScenarioError(problems)


def what_if(scenario: Scenario, changes: dict[str, Any]) -> Intervention:
    """Turn a what-if given as plain data, in the form of one in a file, into an intervention.

    Raises
    ------
    ScenarioError
        If it would be refused in the scenario's file; places are of no account.

    Examples
    --------
    >>> what_if(load("iran-pakistan-2024"), {"choose": {"military_answer": "nothing"}}).choose
    {'military_answer': 'nothing'}
    """
    from escsim.reading import parse

    said = scenario.model_dump(mode="json", by_alias=True, exclude_none=True) | {"what_if": {"asked": changes}}
    return validate(parse(json.dumps(said), scenario.name), scenario.name).what_if["asked"]
