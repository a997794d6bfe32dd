"""How figures look: one sheet with a title, one typeface, and text that is drawn as it is and cut where it ends.

A sheet is 1920 x 1080 units for the screen (a unit is a pixel) and 2160 x 1527 for A4 across; y runs downwards. No
text is smaller than 24 units: 2.2 % of the height of a projected picture, 9.4 points on paper.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib
import matplotlib.style
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, get_font
from matplotlib.text import Text

from escsim.errors import plain
from escsim.palette import FADED, INK, PAPER

SMALLEST = 24


@contextmanager
def styled() -> Iterator[None]:
    """Set what decides how a figure is drawn, whatever the user's own settings, and put everything back."""
    fixed: Any = {"svg.hashsalt": "escsim", "svg.fonttype": "path", "pdf.fonttype": 42, "pdf.compression": 6}
    with matplotlib.style.context("default"), matplotlib.rc_context(fixed):
        yield


@cache
def _font(bold: bool) -> Path:
    """Find the font that comes with matplotlib, not one of the same name on this computer."""
    return Path(matplotlib.get_data_path()) / "fonts" / "ttf" / ("DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf")


@cache
def drawable(text: str) -> str:
    """Make text from a file safe to draw: nothing invisible, nothing that the font lacks, not endless."""
    font = get_font(str(_font(False)))
    return "".join(char if font.get_char_index(ord(char)) else "\N{REPLACEMENT CHARACTER}" for char in plain(text, 200))


class Picture(NamedTuple):
    """A figure, what it shows in words, and its numbers: rows for a table, the first of which names the columns.

    Of an animation `moving` is the GIF, and the figure a contact sheet of its frames.
    """

    figure: Figure
    description: str
    rows: list[tuple[Any, ...]]
    moving: bytes | None = None


class Sheet:
    """A figure with its title, and in front of all else `axes` over all of it whose coordinates are units.

    Parameters
    ----------
    paper : bool
        Whether it is A4 across, for print, rather than for the screen.
    headline, subtitle : str
        The finding, and what it is of.
    """

    top = 116  # where the drawing may begin, below the title

    def __init__(self, paper: bool, headline: str, subtitle: str) -> None:
        self.width, self.height = (2160, 1527) if paper else (1920, 1080)
        inches = 8.27 if paper else 10.8
        self.point = 72 * inches / self.height  # a unit in points: what widths of lines and sizes of markers are measured in
        self.figure = Figure(figsize=(inches * self.width / self.height, inches), dpi=200 if paper else 100, facecolor=PAPER)
        self._canvas: Any = FigureCanvasAgg(self.figure)
        self.axes = self.lay(0, self.width, zorder=1)
        self.axes.set_xlim(0, self.width)
        room = self.width - 80
        size = next((size for size in range(44, 30, -2) if self.extent(headline, size, bold=True) <= room), 30)
        self.write(40, 44, self.fit(headline, room, size, bold=True), size=size, bold=True)
        self.write(40, 93, self.fit(subtitle, room), color=FADED)

    def lay(self, left: float, right: float, zorder: int = 0) -> Axes:
        """Lay axes over the sheet from left to right, with units for y."""
        axes = self.figure.add_axes((left / self.width, 0, (right - left) / self.width, 1), zorder=zorder)
        axes.set_ylim(self.height, 0)
        axes.set_axis_off()
        return axes

    def extent(self, text: str, size: float = SMALLEST, *, bold: bool = False) -> float:
        """Measure how wide a text of one line is."""
        font = FontProperties(fname=_font(bold), size=size * self.point)
        pixels = self._canvas.get_renderer().get_text_width_height_descent(drawable(text), font, False)[0]
        return float(pixels) * self.height / self.figure.bbox.height

    def fit(self, text: str, width: float, size: float = SMALLEST, *, bold: bool = False, lines: int = 1) -> str:
        """Make a text drawable, set it in lines of a width, and cut what is too long."""
        found = [""]
        for word in drawable(text).split(" "):
            longer = f"{found[-1]} {word}".lstrip()
            if found[-1] and len(found) < lines and self.extent(longer, size, bold=bold) > width:
                found.append(word)
            else:
                found[-1] = longer
        for number, line in enumerate(found):
            while len(line) > 1 and self.extent(line, size, bold=bold) > width:
                line = line.removesuffix("…")[:-1].rstrip() + "…"
            found[number] = line
        return "\n".join(found)

    def write(self, x: float, y: float, text: str, *, size: float = SMALLEST, bold: bool = False, **more: Any) -> Text:
        """Write lines of text, their middle at y; `$` and the like have no meaning in them."""
        font = FontProperties(fname=_font(bold), size=size * self.point)
        text = "\n".join(map(drawable, text.split("\n")))
        return self.axes.text(x, y, text, **{"color": INK, "va": "center", "fontproperties": font, "parse_math": False, **more})
