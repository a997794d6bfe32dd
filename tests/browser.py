"""A real browser for tests and pictures: Chromium without a window, and pages of lessons opened in it from files.

A `Visit` is one such page. It notes what the page asks the network for and what it complains of, presses keys, and looks with
`eyes.js`. Screens count from 0 here, as in the data; a class counts from 1.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
EYES = (Path(__file__).parent / "eyes.js").read_text(encoding="utf-8")
PHONE, PROJECTOR = (390, 844), (1280, 720)
VOTED = ("decide", "guess", "whatif", "quiz")  # screens that ask for hands
HANDS = ("Digit1", "Digit1", "Digit2")  # of the class of these tests


def embedded_in(page: bytes, element: str = "lesson") -> dict[str, Any]:
    """Read what a page holds as data."""
    found = re.search(rf'<script type="application/json" id="{element}">(.*?)</script>', page.decode())
    assert found is not None
    data: dict[str, Any] = json.loads(found[1])
    return data


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run the Chromium of this machine."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


class Visit:
    """A lesson, open in a browser that has no network and has never seen it before; `at` is the screen in its address."""

    def __init__(self, browser: Browser, file: Path, *, size: tuple[int, int] = PROJECTOR, at: int | None = None, **more: Any) -> None:
        self.context: BrowserContext = browser.new_context(viewport={"width": size[0], "height": size[1]}, offline=True, **more)
        self.page: Page = self.context.new_page()
        self.file, self.address = file, file.absolute().as_uri()
        self.asked: list[str] = []  # addresses
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto(self.address + (f"#{at + 1}" if at is not None else ""))

    def read(self, script: str, argument: Any = None) -> Any:
        """Give the value of an expression of JavaScript, within the page."""
        return self.page.evaluate(script, argument)

    def look(self, what: str) -> Any:
        """Look with one of the eyes."""
        return self.read(f"{EYES}.{what}")

    @property
    def seen(self) -> dict[str, Any]:
        """What the class sees, so that two moments can be compared."""
        found: dict[str, Any] = self.look("seen()")
        return found

    @property
    def read_out(self) -> list[str]:
        """Every name, value and description in the tree that the browser hands to a screen reader."""
        session = self.context.new_cdp_session(self.page)
        nodes = session.send("Accessibility.getFullAXTree")["nodes"]
        session.detach()
        return [
            str(node[part]["value"])
            for node in nodes
            if not node["ignored"]
            for part in ("name", "value", "description")
            if "value" in node.get(part, {})
        ]

    @cached_property
    def lesson(self) -> dict[str, Any]:
        """The data of the lesson, as it stands in the file."""
        return embedded_in(self.file.read_bytes())

    @property
    def screen(self) -> int:
        """Which screen is shown."""
        return int(self.read("state.screen"))

    @property
    def kind(self) -> str:
        """What kind of screen is shown."""
        return str(self.read("current().kind"))

    @property
    def hands(self) -> list[int]:
        """The hands that the screen shows, option by option."""
        return [int(count) for count in self.page.locator(".count").all_inner_texts()]

    def first(self, kind: str) -> int:
        """Give the first screen of a kind."""
        return [screen["kind"] for screen in self.lesson["screens"]].index(kind)

    def press(self, *keys: str) -> None:
        """Press keys, by the names of Playwright: "w", "Shift+Digit1", "ArrowRight"."""
        for key in keys:
            self.page.keyboard.press(key)

    def strike(self, key: str, code: str, **more: Any) -> bool:
        """Press a key as the keyboard of another layout sends it; say whether the browser may act on it as well."""
        event = {"key": key, "code": code, "bubbles": True, "cancelable": True, **more}
        return bool(self.read("(event) => document.activeElement.dispatchEvent(new KeyboardEvent('keydown', event))", event))

    def go(self, screen: int) -> None:
        """Go to a screen by its address."""
        self.read("(hash) => { location.hash = hash; }", f"#{screen + 1}")
        self.page.wait_for_function("(screen) => state.screen === screen", arg=screen, polling=10)

    def walk(self) -> Iterator[dict[str, Any]]:
        """Go through the lesson by keys as a class does, with hands where the screen asks for them; give each screen when it is reached."""
        screens = self.lesson["screens"]
        for place in range(self.screen, len(screens)):
            if screens[place]["kind"] in VOTED:
                self.press(*HANDS)
            yield screens[place]
            if place + 1 < len(screens):
                self.press("ArrowRight")
                assert self.screen == place + 1

    def play(self, kind: str) -> None:
        """Do on a screen what fills its picture: draw some histories, move the slider."""
        if kind == "runs":
            self.press("r", "Shift+R")
        if kind == "slider":
            self.press(*["BracketLeft"] * 6)
