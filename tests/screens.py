"""`python -m tests.screens SCENARIO -o FOLDER`: a picture of every screen of a lesson, for people to look at.

With hands on the screens that ask, the reasons behind W in a picture of their own, some histories drawn and the slider moved. What
is wrong with the layout is printed beside. `--timing` measures instead of drawing.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Browser

import escsim
from escsim.lesson import MINUTES, VARIANTS, Options
from escsim.page import page
from tests.browser import Visit, chromium

PRESSES = 40


def main() -> None:
    """Read the command line, and draw or measure."""
    parser = argparse.ArgumentParser(prog="python -m tests.screens", description="A picture of every screen of a lesson.")
    parser.add_argument("scenario", help="a file, or the name of a scenario that ships")
    parser.add_argument("-o", "--out", type=Path, default=Path("out/screens"), help="folder for the pictures")
    parser.add_argument("--lang", default="en")
    parser.add_argument("--minutes", type=int, choices=MINUTES, default=15)
    parser.add_argument("--quiz", action="store_true")
    parser.add_argument("-n", type=int, default=VARIANTS, help="variants")
    parser.add_argument("--text", type=int, default=0, help="steps by which text is enlarged")
    parser.add_argument("--size", default="1280x720", help="of the window; lower ones than broad are one column, drawn to their end")
    parser.add_argument("--timing", action="store_true", help="measure instead: making the page, first paint, key to repaint")
    asked = parser.parse_args()
    width, height = map(int, asked.size.split("x"))
    began = time.perf_counter()
    made = page(escsim.load(asked.scenario), Options(minutes=asked.minutes, n=asked.n, lang=asked.lang, quiz=asked.quiz, text=asked.text))
    took = time.perf_counter() - began
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        file = Path(folder) / "lesson.html"
        file.write_bytes(made)
        if asked.timing:
            print(f"page made in {took:.1f} s, {len(made) / 1000:.0f} kB")
            measure(browser, file, (width, height))
        else:
            draw(browser, file, (width, height), asked.out)


def draw(browser: Browser, file: Path, size: tuple[int, int], out: Path) -> None:
    """Draw every screen."""
    out.mkdir(parents=True, exist_ok=True)
    visit = Visit(browser, file, size=size)
    for place, screen in enumerate(visit.walk(), start=1):
        visit.play(screen["kind"])
        for name, keys in {"": (), "-why": ("w",)}.items() if screen["kind"] in ("event", "reveal") else [("", ())]:
            visit.press(*keys)
            path = out / f"{place:02d}-{screen['kind']}{name}.png"
            visit.page.screenshot(path=path, full_page=size[0] < size[1])
            hidden = visit.look("hidden()")
            print(path, *visit.look("faults(0)"), *([f"{hidden} px of the words are below the fold"] if hidden else []), sep="\n    ")
    for complaint in visit.complaints:
        print("the page complains:", complaint)


def measure(browser: Browser, file: Path, size: tuple[int, int]) -> None:
    """Print how long it takes until there is something to see, and from a key to the picture that it makes."""
    painted = []
    for _ in range(5):
        visit = Visit(browser, file, size=size)
        visit.page.wait_for_function("() => performance.getEntriesByName('first-contentful-paint').length")
        painted.append(visit.read("performance.getEntriesByName('first-contentful-paint')[0].startTime"))
        visit.context.close()
    print(f"first paint {statistics.median(painted):.0f} ms")
    visit = Visit(browser, file, size=size)
    for name, screen, keys in (("next screen", 0, ["ArrowRight", "ArrowLeft"]), ("slider", visit.first("slider"), ["BracketLeft", "BracketRight"])):
        visit.go(screen)
        times = key_to_paint(visit, keys * (PRESSES // 2))
        print(f"key to repaint, {name}: median {statistics.median(times):.0f} ms, p90 {sorted(times)[len(times) * 9 // 10]:.0f} ms, of {len(times)}")


def key_to_paint(visit: Visit, keys: list[str]) -> list[float]:
    """Press keys one after another, and give for each the milliseconds from the key to the end of the frame that shows what it did."""
    visit.read("""() => {
        const first = !window.times;
        window.times = [];
        if (first) addEventListener("keydown", (event) => {
            requestAnimationFrame(() => {
                const channel = new MessageChannel();
                channel.port1.onmessage = () => window.times.push(performance.now() - event.timeStamp);
                channel.port2.postMessage(0);
            });
        }, true);
    }""")
    for place, key in enumerate(keys):
        visit.press(key)
        visit.page.wait_for_function("(n) => window.times.length > n", arg=place)
    times: list[float] = visit.read("window.times")
    return times


if __name__ == "__main__":
    main()
