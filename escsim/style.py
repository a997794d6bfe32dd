"""How figures look: one palette, one typeface, sheets measured in units, text drawn as it is and cut where it ends.

A sheet is 1920 x 1080 units for the screen (a unit is a pixel) and 2160 x 1527 for A4 across; y runs downwards. No
text is smaller than 24 units: 2.2 % of the height of a projected picture, 9.4 points on paper.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
from escsim.ladder import Ladder

SMALLEST = 24
INK, PAPER, EDGE, FADED, FAINT, MODEL = "#111111", "#FFFFFF", "#222222", "#444444", "#8A8A8A", "#0B57A4"

_KNOWN = {"normal": ("#B0D7F4", "●"), "downgraded": ("#F2A71B", "▲"), "envoys_recalled": ("#AF2104", "■"), "restored": ("#053E4B", "◆")}
_RAMP = ((176, 215, 244), (242, 167, 27), (175, 33, 4), (36, 10, 8))  # the palette from mild to severe, and on into the dark
_GLYPHS = "●◐▲■◧✚▼★◆⬟◗✦▶⬢◀▣"
_WORST = "✖"


class Look(NamedTuple):
    """How a status is shown: fill, ink that can be read on it, and glyph."""

    fill: str
    ink: str
    glyph: str


def looks(ladder: Ladder) -> dict[str, Look]:
    """Give every status of a ladder a look; the darker, the more severe.

    The four statuses of the palette keep their colours under these names; any other takes its colour from its place
    between mildest and most severe. No two of the first sixteen statuses share a glyph.
    """
    found: dict[str, Look] = {}
    free = [glyph for glyph in _GLYPHS if glyph not in {_KNOWN[status][1] for status in ladder.statuses if status in _KNOWN}]
    for place, status in enumerate(ladder.statuses):
        if status in _KNOWN:
            fill, glyph = _KNOWN[status]
        elif place == len(ladder.statuses) - 1 and place > 1:
            fill, glyph = _ramp(1), _WORST
        else:
            fill, glyph = _ramp(place / max(len(ladder.statuses) - 1, 1)), free.pop(0) if free else "○"
        found[status] = Look(fill, INK if _luminance(fill) > 0.19 else PAPER, glyph)
    return found


def _ramp(share: float) -> str:
    place = min(int(share * 3), 2)
    low, high = _RAMP[place], _RAMP[place + 1]
    return "#" + "".join(f"{round(a + (b - a) * (share * 3 - place)):02X}" for a, b in zip(low, high, strict=True))


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@contextmanager
def styled() -> Iterator[None]:
    """Set what decides how a figure is drawn, whatever the user's own settings, and put everything back."""
    fixed: Any = {"svg.hashsalt": "escsim", "svg.fonttype": "path", "pdf.fonttype": 42, "pdf.compression": 6, "axes.unicode_minus": False}
    with matplotlib.style.context("default"), matplotlib.rc_context(fixed):
        yield


@cache
def _font(bold: bool) -> Path:
    """Find the font that comes with matplotlib, not one of the same name on this computer."""
    return Path(matplotlib.get_data_path()) / "fonts" / "ttf" / ("DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf")


@cache
@cache
def drawable(text: str, most: int = 200) -> str:
    """Make text from a file safe to draw: nothing invisible, nothing that the font lacks, not endless."""
    font = get_font(str(_font(False)))
    return "".join(char if font.get_char_index(ord(char)) else "\N{REPLACEMENT CHARACTER}" for char in plain(text, most))


class Sheet:
    """A figure with axes over all of it whose coordinates are units: `axes` for texts, `ground` for what lies under all.

    Parameters
    ----------
    paper : bool
        Whether it is A4 across, for print, rather than for the screen.
    """

    def __init__(self, paper: bool) -> None:
        self.width, self.height = (2160, 1527) if paper else (1920, 1080)
        inches = 8.27 if paper else 10.8
        self.point = 72 * inches / self.height
        self.figure = Figure(figsize=(inches * self.width / self.height, inches), dpi=200 if paper else 100, facecolor=PAPER)
        self._canvas: Any = FigureCanvasAgg(self.figure)
        self.ground, self.axes = self.lay(0, self.width, 0), self.lay(0, self.width, 2)
        self.ground.set_xlim(0, self.width)
        self.axes.set_xlim(0, self.width)

    def lay(self, left: float, right: float, height: int = 1) -> Axes:
        """Lay axes over the sheet from left to right, with units for y; the greater the height, the more in front."""
        axes = self.figure.add_axes((left / self.width, 0, (right - left) / self.width, 1), zorder=height)
        axes.set_ylim(self.height, 0)
        axes.set_axis_off()
        return axes

    def extent(self, text: str, size: float = SMALLEST, bold: bool = False) -> float:
        """Measure how wide a text is."""
        font = FontProperties(fname=_font(bold), size=size * self.point)
        pixels = self._canvas.get_renderer().get_text_width_height_descent(drawable(text), font, False)[0]
        return float(pixels) * self.height / self.figure.bbox.height

    def fit(self, text: str, width: float, size: float = SMALLEST, bold: bool = False) -> str:
        """Make a text drawable and cut it to a width."""
        text = drawable(text)
        if self.extent(text, size, bold) <= width:
            return text
        while text and self.extent(text.rstrip() + "…", size, bold) > width:
            text = text[:-1]
        return text.rstrip() + "…"

    def wrap(self, pieces: Sequence[str], width: float, size: float = SMALLEST, bold: bool = False, joint: str = " ") -> list[str]:
        """Set pieces of text in lines of a width."""
        lines: list[str] = []
        for piece in pieces:
            if lines and self.extent(longer := lines[-1] + joint + piece, size, bold) <= width:
                lines[-1] = longer
            else:
                lines.append(self.fit(piece, width, size, bold))
        return lines

    def write(self, x: float, y: float, text: str, *, size: float = SMALLEST, bold: bool = False, **more: Any) -> Text:
        """Write a text; `$` and the like have no meaning in it."""
        font = FontProperties(fname=_font(bold), size=size * self.point)
        return self.axes.text(x, y, drawable(text), **{"color": INK, "va": "center", "fontproperties": font, "parse_math": False, **more})

    def stack(self, x: float, y: float, lines: Sequence[str], pitch: float, **more: Any) -> None:
        """Write lines one under the other, their middle at y."""
        for number, line in enumerate(lines):
            self.write(x, y + pitch * (number - (len(lines) - 1) / 2), line, **more)

    def name(self, text: str, corner: tuple[float, float], opposite: tuple[float, float], height: float, *, color: str, ground: str) -> bool:
        """Name a field under its upper edge, upright if it is too narrow, by the glyph alone if it is too small; say whether it has its name."""
        left, top, room = corner[0] + 10, corner[1], opposite[0] - corner[0] - 16
        box = {"facecolor": ground, "edgecolor": "none", "pad": 0}
        for size in range(int(min(max(height * 0.5, SMALLEST), 38)), SMALLEST - 1, -1):
            width = self.extent(text, size)
            if width <= room:
                self.write(left, top + height / 2, text, size=size, color=color, bbox=box)
                return True
            if room >= size and opposite[1] - top > width + 20:
                self.write(left + room / 2, top + width / 2 + 10, text, size=size, color=color, ha="center", rotation=90, bbox=box)
                return True
        if self.extent(text[0]) <= room:
            self.write(left, top + height / 2, text[0], color=color, bbox=box)
        return False

    def title(self, headline: str, subtitle: tuple[str, str], beside: float = 0) -> float:
        """Write the finding and what it is of, which leaves some room beside it; give where the rest may begin."""
        room = self.width - 80
        size = next((size for size in range(44, 30, -2) if self.extent(headline, size, True) <= room), 30)
        self.write(40, 44, self.fit(headline, room, size, True), size=size, bold=True)
        name, rest = subtitle
        self.write(40, 93, self.fit(name, room - beside - self.extent(rest)) + rest, color=FADED)
        return 116
