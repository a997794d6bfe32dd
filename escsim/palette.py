"""The colours and glyphs by which statuses are told apart, in figures and on the page."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

from escsim.ladder import Ladder

INK, PAPER, EDGE, FADED, FAINT, MODEL = "#111111", "#FFFFFF", "#222222", "#444444", "#8A8A8A", "#0B57A4"

_KNOWN = {"normal": ("#B0D7F4", "●"), "downgraded": ("#F2A71B", "▲"), "envoys_recalled": ("#AF2104", "■"), "restored": ("#053E4B", "◆")}
_RAMP = ("#B0D7F4", "#F2A71B", "#AF2104", "#240A08")  # from mildest to most severe, with even shades between
_GLYPHS, _WORST = "●◐▲■◧✚▼★◆⬟◗✦▶⬢◀▣", "✖"


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
    last = len(ladder.statuses) - 1
    free = [glyph for glyph in _GLYPHS if glyph not in {_KNOWN[status][1] for status in ladder.statuses if status in _KNOWN}]
    for place, status in enumerate(ladder.statuses):
        if status in _KNOWN:
            fill, glyph = _KNOWN[status]
        else:
            fill = _shade(place / max(last, 1))
            glyph = _WORST if place == last > 1 else free.pop(0) if free else "○"
        red, green, blue = ((part / 255) ** 2.2 for part in _parts(fill))  # the gamma of sRGB, nearly
        luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
        found[status] = Look(fill, INK if luminance > 0.19 else PAPER, glyph)
    return found


def _shade(severity: float) -> str:
    """Give the colour of a severity from 0 to 1."""
    place, between = divmod(severity * (len(_RAMP) - 1), 1.0)
    low, high = [*pairwise(map(_parts, _RAMP)), (_parts(_RAMP[-1]),) * 2][int(place)]
    return "#" + "".join(f"{round(a + between * (b - a)):02X}" for a, b in zip(low, high, strict=True))


def _parts(colour: str) -> tuple[int, ...]:
    """Give red, green and blue of a colour, 0 to 255."""
    return tuple(bytes.fromhex(colour.removeprefix("#")))
