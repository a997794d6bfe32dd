"""Figures: of a run, `trajectory`, what happened when, and `diagram`, the ways of the ladder and which were taken; of variants, the others.

The title is the finding. Time runs to the right, with ticks on the dates of events only, on one scale but for the long
quiet times that are cut, marked // and told. A status lasts from its date to the next: steps, never slopes; mild is on
top, severe at the bottom. A filled marker is stated by the main report, a hollow one added from other sources; a date
not known exactly is a whisker over all that it leaves open. Figures are made without `pyplot`.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from xml.sax.saxutils import escape

from matplotlib.figure import Figure

from escsim import files
from escsim.captions import describe_diagram, describe_trajectory, taken, ways
from escsim.cumulative import cumulative
from escsim.diagram import diagram
from escsim.difference import difference
from escsim.durations import durations
from escsim.errors import plain
from escsim.occupancy import occupancy
from escsim.style import Picture, styled
from escsim.timeline import trajectory
from escsim.trajectory import Trajectory

__all__ = [
    "FORMATS",
    "PICTURES",
    "Picture",
    "cumulative",
    "describe_diagram",
    "describe_trajectory",
    "diagram",
    "difference",
    "durations",
    "occupancy",
    "render",
    "save",
    "trajectory",
]

FORMATS = ("png", "svg", "pdf")


def _diagram(run: Trajectory, *, paper: bool = False) -> Picture:
    used = taken(run)
    rows = [(*way, " ".join(triggers), len(used.get(way, ()))) for way, triggers in ways(run.scenario).items()]
    return Picture(diagram(run, paper=paper), describe_diagram(run), [("from", "to", "triggers", "times"), *rows])


PICTURES: dict[str, Callable[..., Picture]] = {  # by kind: of a replay, an ensemble, or an ensemble and its twin, then options by name
    "trajectory": trajectory,
    "diagram": _diagram,
    "occupancy": occupancy,
    "cumulative": cumulative,
    "durations": durations,
    "difference": difference,
}


def render(figure: Figure, format: str, description: str = "") -> bytes:  # noqa: A002
    """Turn a figure into the contents of a file.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    format : str
        "png", "svg" or "pdf".
    description : str
        What it shows, in words, for those who cannot see it; it is kept in the file.

    Returns
    -------
    bytes
        The same for the same input: no date, no version, no random names.

    Raises
    ------
    ValueError
        If the format is not one of the three.
    """
    if format not in FORMATS:
        raise ValueError(f"a figure is written as {', '.join(FORMATS[:-1])} or {FORMATS[-1]}, not as {format[:40]!r}")
    said = plain(description, 20_000)
    metadata: dict[str, dict[str, str | None]] = {
        "png": {"Software": None, "Description": said},
        "svg": dict.fromkeys(("Date", "Creator", "Format", "Type")),
        "pdf": {"CreationDate": None, "Creator": None, "Producer": None, "Subject": said or None},
    }
    data = io.BytesIO()
    with styled():
        figure.savefig(data, format=format, metadata=metadata[format])
    if format == "svg" and said:  # as screen readers look for it; matplotlib's own metadata is out of their sight
        before, rest = data.getvalue().decode().split("<svg ", 1)
        attributes, rest = rest.split(">", 1)
        return f'{before}<svg role="img" aria-labelledby="said" {attributes}>\n <desc id="said">{escape(said)}</desc>{rest}'.encode()
    return data.getvalue()


def save(figure: Figure, path: Path | str, *, force: bool = False, description: str = "") -> Path:
    """Write a figure to a file, whole or not at all, in the format that its name ends with; give the file.

    Parameters
    ----------
    figure, description
        As for `render`.
    path : Path or str
        A name that ends in .png, .svg or .pdf.
    force : bool
        Whether to replace a file with other contents.

    Raises
    ------
    ValueError
        If the name has another ending.
    escsim.files.OccupiedError
        If a file with other contents is there and `force` is not set.
    """
    path = Path(path)
    files.write({path: render(figure, path.suffix.removeprefix(".").lower(), description)}, force=force)
    return path
