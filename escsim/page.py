"""The classroom page: a lesson, its words, its look and its script put into one HTML file that needs nothing else.

The page may load nothing (its policy is `default-src 'none'` with the hashes of the one style and the one script), and what a
scenario says goes into it as escaped JSON only, which the script puts up as text.
"""

from __future__ import annotations

import html
import json
import re
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any

from escsim import __version__
from escsim.errors import AskedError, suggest
from escsim.lesson import PLAIN, Options, lesson
from escsim.reading import read
from escsim.scenario import Scenario

FOLDER = Path(__file__).parent / "classroom"


def page(scenario: Scenario, options: Options = PLAIN, *, live: str | None = None) -> bytes:
    """Make the page of a lesson.

    Parameters
    ----------
    scenario : Scenario
    options : Options
    live : str, optional
        A second script, which may ask the server that the page came from: what `escsim serve` adds.

    Returns
    -------
    bytes
        HTML in UTF-8. The same scenario, options and version of escsim give the same bytes.

    Raises
    ------
    ScenarioError
        If the scenario cannot be taught; see `escsim.lesson.lesson`.
    ValueError
        If there is no such language, screen, or number for the slider.
    """
    said = _fitting(words(options.lang), scenario)
    data = lesson(scenario, options)
    if not 1 <= options.start <= len(data["screens"]):
        raise AskedError(f"there is no screen {options.start}: this lesson has 1 to {len(data['screens'])}")
    style, script = (asset(name) for name in ("lesson.css", "lesson.js"))
    scripts = [script, *([live] if live else [])]
    allowed = [
        "default-src 'none'",
        f"style-src {hashed(style)}",
        f"script-src {' '.join(map(hashed, scripts))}",
        "base-uri 'none'",
        "form-action 'none'",
    ]
    filled = {
        "lang": html.escape(said["locale"]),
        "direction": said["direction"],
        "policy": html.escape("; ".join(allowed + ["connect-src 'self'"] * bool(live)), quote=False),
        "version": __version__,
        "title": html.escape(scenario.title),
        "style": style,
        "lesson": embedded(data),
        "words": embedded(said),
        "script": "</script>\n<script>".join(scripts),
        **{name: html.escape(said[name]) for name in ("picture", "keys", "help", "noscript")},
        "blank": html.escape(said["help_blank"]),
    }
    return re.sub(r"{{(\w+)}}", lambda found: filled[found[1]], asset("page.html")).encode()


def languages() -> list[str]:
    """Name the languages that a lesson can be in."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def words(lang: str) -> dict[str, Any]:
    """Give all that a lesson says in a language beside what the scenario says; raises a ValueError that tells which there are."""
    if lang not in languages():
        raise AskedError(f"there is no strings file for the language {lang!r}: {suggest(lang, languages(), 'known languages')}")
    said: dict[str, Any] = read(FOLDER / f"{lang}.yaml").root.plain()
    return said


def _fitting(said: dict[str, Any], scenario: Scenario) -> dict[str, Any]:
    """Leave to a scenario the names that it defines itself: those of a ladder of its own, and of its actions."""
    ladder = scenario.ladder
    own = {*scenario.actions, *(() if isinstance(scenario.ladder_, str) else (*ladder.statuses, *ladder.triggers))}
    return {**said, **{part: {name: text for name, text in said[part].items() if name not in own} for part in ("terms", "meanings")}}


def embedded(data: Any) -> str:
    """Write data as JSON that is safe within a script element: nothing in it can end the element or a line."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return re.sub("[<>&\u2028\u2029]", lambda found: f"\\u{ord(found[0]):04x}", text)


def asset(name: str) -> str:
    """Give the text of a file of the classroom."""
    return (FOLDER / name).read_text(encoding="utf-8")


def hashed(text: str) -> str:
    """Give a script or style as a content security policy names it (W3C, Content Security Policy Level 3, 2.3.1)."""
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
