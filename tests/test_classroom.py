"""The page of a lesson in a real browser: what a class sees, what keys do, that it fits and can be read, and that nothing is told early.

Every page is made once, with few variants where the numbers do not matter. No test lets a page ask for anything or complain of
anything: that is seen to where its visit ends.
"""

from __future__ import annotations

import io
import os
import re
import statistics
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser
from pypdf import PdfReader

import escsim
from escsim.lesson import Options
from escsim.page import page
from escsim.reading import read
from tests.browser import CHROMIUM, HANDS, PHONE, PROJECTOR, VOTED, Visit, chromium
from tests.screens import PRESSES, key_to_paint
from tests.strategies import load

FEW = 2000  # variants
NAMES = ["iran-pakistan-2024", "saudi-iran-2016", "iraq-iran-2024"]
FIRST = NAMES[0]
SIZES = [PHONE, (1024, 768), PROJECTOR, (1366, 768), (1920, 1080)]
LARGER = 4  # sizes of text
STORY = ("title", "quiz", "begin", "event", "decide", "reveal", "guess")  # screens on which there is a future; the first quiz among them

Make = Callable[..., Path]
Open = Callable[..., Visit]


def named(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        told = "no Chromium on this machine: apt-get install chromium"
        (pytest.fail if os.environ.get("ESCSIM_BROWSER") == "required" else pytest.skip)(told)
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Make:
    """Give a way to make a page of a scenario that ships, each once."""
    files: dict[str, Path] = {}

    def make(name: str = FIRST, **options: Any) -> Path:
        known = f"{name} {options}"
        if known not in files:
            files[known] = tmp_path_factory.mktemp("page") / f"{name}.html"
            files[known].write_bytes(page(escsim.load(name), Options(**{"n": FEW, **options})))
        return files[known]

    return make


@pytest.fixture
def opened(browser: Browser, made: Make) -> Iterator[Open]:
    """Give a way to open a page; at the end no page has asked for anything but itself, and none has complained."""
    visits: list[Visit] = []

    def open_(file: Path | None = None, **more: Any) -> Visit:
        visits.append(Visit(browser, file or made(), **more))
        return visits[-1]

    yield open_
    for visit in visits:
        visit.context.close()
    for visit in visits:
        assert {address.partition("#")[0] for address in visit.asked} == {visit.address}
        assert visit.complaints == []


def at(opened: Open, kind: str, file: Path | None = None, **more: Any) -> Visit:
    """Open a page on its first screen of a kind."""
    visit = opened(file, **more)
    visit.go(visit.first(kind))
    return visit


# There and back


def quick(name: str, minutes: int, *, quiz: bool) -> Any:
    """Mark what need not run every time."""
    often = (name, minutes, quiz) == (FIRST, 15, False)
    return pytest.param(name, minutes, quiz, id=f"{name}-{minutes}{'-quiz' * quiz}", marks=[] if often else pytest.mark.slow)


@pytest.mark.parametrize(("name", "minutes", "quiz"), [quick(FIRST, 15, quiz=False), *(quick(name, 45, quiz=True) for name in NAMES[:2])])
def test_a_class_goes_through_a_lesson_by_keys_and_back_to_the_very_screens_it_left(
    made: Make, opened: Open, name: str, minutes: int, quiz: bool
) -> None:
    visit = opened(made(name, minutes=minutes, quiz=quiz))
    left = []
    for place, screen in enumerate(visit.walk()):
        assert visit.screen == place
        assert visit.page.locator("#heading").inner_text().strip()
        assert visit.read("document.activeElement.id") == "heading"
        if screen["kind"] in ("event", "reveal"):
            visit.press("w")
        visit.play(screen["kind"])
        left.append(visit.seen)
    assert place == len(left) - 1 == len(visit.lesson["screens"]) - 1
    visit.press("ArrowRight")
    assert visit.screen == place
    for number, (screen, shown) in enumerate(zip(visit.lesson["screens"][::-1], left[::-1], strict=True)):
        assert visit.seen == shown, f"{number} screens back: {screen}"
        visit.press("ArrowLeft")
    assert visit.screen == 0


@pytest.mark.slow
def test_the_title_says_what_it_is_about_before_anything_else(opened: Open) -> None:
    visit = opened()
    assert visit.page.title() == "Iran and Pakistan, January 2024 \u2014 1 of 25"
    assert visit.page.get_by_role("heading", level=1).inner_text() == "Iran and Pakistan, January 2024"


@pytest.mark.slow
def test_reload_keeps_the_place_the_votes_and_all_that_was_opened(opened: Open) -> None:
    visit = at(opened, "decide")
    visit.press(*HANDS, "ArrowRight", "w", "n", "t")
    before = visit.seen
    for _ in range(5):  # for Chromium forgets the session storage of a file over one reload in twenty
        visit.page.reload()
        assert visit.seen == before
    visit.press("ArrowLeft")
    assert visit.hands == [2, 1, 0]


def test_the_address_opens_a_screen(opened: Open) -> None:
    visit = opened(at=4)
    assert (visit.screen, visit.kind) == (4, "reveal")
    visit.go(2)
    assert visit.page.get_by_text("3 of 25", exact=True).is_visible()


@pytest.mark.slow
@pytest.mark.parametrize(("address", "screen"), [(0, 0), (25, 24), (999, 24), (-6, 0)])
def test_an_address_beyond_the_lesson_opens_the_nearest_screen_or_the_first(opened: Open, address: int, screen: int) -> None:
    assert opened(at=address - 1).screen == screen


def test_home_and_end_go_to_the_ends_and_a_remote_goes_on_and_back(opened: Open) -> None:
    visit = opened()
    where = []
    for key in ("PageDown", "Space", "PageDown", "PageUp", "End", "PageUp", "Home", "PageUp"):
        visit.press(key)
        where.append(visit.screen)
    assert where == [1, 2, 3, 2, 24, 23, 0, 0]


@pytest.mark.slow
def test_two_classes_with_the_same_file_and_the_same_keys_see_the_same(opened: Open) -> None:
    one, other = opened(), opened()
    for left, right in zip(one.walk(), other.walk(), strict=True):
        for visit in (one, other):
            visit.play(left["kind"])
        assert left == right
        assert one.seen == other.seen


@pytest.mark.slow
def test_a_page_opens_as_it_was_made_to(made: Make, opened: Open) -> None:
    visit = opened(made(minutes=5, n=50, start=3, text=2, notes=True, keys=False))
    assert visit.screen == 2
    assert visit.page.locator("#notes").is_visible()
    assert visit.read("getComputedStyle(document.documentElement).getPropertyValue('--scale')") == "1.3"
    visit.press("w", "d", "n")
    assert visit.page.locator("#notes").is_visible()


# Hands


def test_digits_of_both_blocks_count_hands_and_shift_takes_them_back(opened: Open) -> None:
    visit = at(opened, "decide")
    visit.press("Digit1", "Digit1", "Numpad1", "Digit2", "Numpad3")
    assert visit.hands == [3, 1, 1]
    visit.press("Shift+Digit1", "Shift+Numpad3")
    assert visit.hands == [2, 1, 0]


@pytest.mark.slow
def test_there_are_never_less_than_no_hands_and_none_for_an_option_that_is_not_there(opened: Open) -> None:
    visit = at(opened, "decide")
    visit.press("Shift+Digit2", "Shift+Digit2", "Digit2", "Digit4", "Digit9")
    assert visit.hands == [0, 1, 0]


@pytest.mark.slow
def test_hands_are_counted_by_clicks_as_well(opened: Open) -> None:
    visit = at(opened, "decide")
    options, back = visit.page.locator("button.option"), visit.page.get_by_role("button", name="Take a hand back")
    options.nth(0).click()
    options.nth(2).click(click_count=3)
    options.nth(0).click(modifiers=["Shift"])
    assert visit.hands == [0, 0, 3]
    back.nth(2).click()
    assert visit.hands == [0, 0, 2]
    assert [each.is_disabled() for each in back.all()] == [True, True, False]


@pytest.mark.parametrize("key", ["ArrowRight", *(pytest.param(each, marks=pytest.mark.slow) for each in ("PageDown", "Space", "the button"))])
def test_nobody_sees_an_answer_before_a_hand_is_up(opened: Open, key: str) -> None:
    visit = at(opened, "decide")
    on = visit.page.get_by_role("button", name="next")
    for _ in range(3):
        on.click() if key == "the button" else visit.press(key)
    assert visit.kind == "decide"
    assert visit.page.get_by_text("Count hands first, or press Enter twice.").first.is_visible()
    visit.press("Digit1")
    assert not visit.page.get_by_text("Count hands first").first.is_visible()
    on.click() if key == "the button" else visit.press(key)
    assert visit.kind == "reveal"


@pytest.mark.slow
@pytest.mark.parametrize("key", ["Enter", "NumpadEnter"])
def test_enter_goes_on_without_hands_only_when_pressed_twice_in_a_row(opened: Open, key: str) -> None:
    visit = at(opened, "decide")
    visit.press(key, "d", key)
    assert visit.kind == "decide"
    visit.press(key)
    assert visit.kind == "reveal"


@pytest.mark.slow
def test_enter_goes_on_at_once_where_there_are_hands_or_nothing_is_asked(opened: Open) -> None:
    visit = at(opened, "decide")
    visit.press("Digit3", "Enter")
    assert visit.kind == "reveal"
    visit.press("Enter")
    assert visit.screen == visit.first("reveal") + 1


@pytest.mark.slow
@pytest.mark.parametrize("code", ["ArrowRight", "Enter", "Digit1", "KeyW"])
def test_a_key_that_is_held_too_long_does_no_more_than_one_that_is_not(opened: Open, code: str) -> None:
    visit = at(opened, "event")
    before = visit.seen
    visit.strike(code.removeprefix("Key"), code, repeat=True)
    assert visit.seen == before


@pytest.mark.slow
def test_the_slider_and_the_histories_go_on_while_their_key_is_held(opened: Open) -> None:
    visit = at(opened, "slider")
    start = int(visit.page.get_by_role("slider").input_value())
    for _ in range(5):
        visit.strike("[", "BracketLeft", repeat=True)
    assert int(visit.page.get_by_role("slider").input_value()) == start - 5


@pytest.mark.slow
def test_every_question_has_hands_of_its_own_which_its_answer_shows(opened: Open) -> None:
    visit = at(opened, "decide")
    visit.press(*HANDS, "ArrowRight")
    assert visit.page.get_by_text("class: 2 of 3").is_visible()
    visit.press("ArrowRight")
    assert visit.hands == [0, 0, 0]
    visit.go(visit.first("whatif"))
    visit.press("Digit1", "b")
    assert visit.hands == [0, 0, 0]
    visit.press("Shift+B")
    assert visit.hands == [1, 0, 0]


@pytest.mark.slow
def test_the_tally_holds_the_hands_before_and_after(made: Make, opened: Open) -> None:
    visit = opened(made(minutes=5, quiz=True))
    for screen in visit.walk():
        if screen["kind"] == "quiz" and screen["when"] == "after":
            visit.press("Digit3")
        if screen["kind"] == "tally":
            break
    counts = [row.split("\t")[2:] for row in visit.page.locator("#picture tbody tr").all_inner_texts()]
    assert counts == [["2", "2"], ["1", "1"], ["0", "1"]] * 2


# Keys

ALWAYS = {"back", "next", "first", "last", "up", "down", "text", "full", "notes", "blank", "help"}
BUTTONS = {  # besides these, by kind of screen
    "title": set(),
    "begin": {"data"},
    "event": {"why", "data"},
    "decide": {"enter", "data"},
    "reveal": {"why", "data"},
    "guess": {"enter", "data"},
    "number": {"data"},
    "runs": {"replay", "twenty", "data"},
    "many": {"data"},
    "slider": {"less", "more", "data"},
    "whatif": {"enter", "branch", "former"},
    "effect": {"branch", "former", "compare", "data"},
    "twins": {"branch", "former"},
    "limits": {"print"},
    "sheet": {"print"},
}
PRESSED = {
    "back": "ArrowLeft", "next": "ArrowRight", "enter": "Enter", "why": "w", "replay": "r", "less": "BracketLeft", "more": "BracketRight",
    "branch": "b", "compare": "c", "data": "d", "text": "t", "full": "f", "notes": "n", "print": "p", "blank": "Period", "help": "?",
    "first": "Home", "last": "End", "up": "ArrowUp", "down": "ArrowDown", "twenty": "Shift+R", "former": "Shift+B",
}  # fmt: skip


def listening(visit: Visit) -> Visit:
    """Count what is sent to the printer."""
    visit.read("() => { window.printed = 0; window.print = () => { window.printed += 1; }; }")
    return visit


def outcome(visit: Visit) -> tuple[dict[str, Any], int]:
    """Give all that a key can have done."""
    visit.page.wait_for_timeout(150)  # until full screen is entered or left
    return visit.seen, visit.read("window.printed")


@pytest.mark.slow
def test_every_key_has_a_button_where_it_acts(opened: Open) -> None:
    visit = opened()
    found = {}
    for screen in visit.walk():
        if screen["kind"] in VOTED:
            visit.press(*["Shift+Digit1", "Shift+Digit2"] * 2)
        found[screen["kind"]] = {
            each.removeprefix("key_") for each in visit.read("[...document.querySelectorAll('nav button')].map((each) => each.id)")
        } - ALWAYS
        hidden = {button.get_attribute("id") for button in visit.page.locator("nav button").all() if not button.is_visible()}
        assert hidden == (set() if visit.read("overflowing().length > 0") else {"key_up", "key_down"})
        if screen["kind"] in VOTED:
            visit.press(*HANDS)
    assert found == BUTTONS


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "name"),
    [pytest.param(next((kind for kind, names in BUTTONS.items() if name in names), "event"), name) for name in sorted(set(PRESSED) - {"up", "down"})],
)
def test_a_button_does_what_its_key_does(opened: Open, kind: str, name: str) -> None:
    by_key, by_click = (listening(at(opened, kind)) for _ in range(2))
    before = outcome(by_key)
    by_key.press(PRESSED[name])
    by_click.page.locator(f"#key_{name}").click()
    assert outcome(by_key) == outcome(by_click) != before


@pytest.mark.slow
def test_text_that_does_not_fit_is_scrolled_by_keys_and_by_buttons(made: Make, opened: Open) -> None:
    visit = at(opened, "title", made(NAMES[1]), size=(1024, 768))
    visit.press("T", "T", "T")
    assert visit.read("overflowing().length > 0")
    by_key, by_click = [], []
    for name in ("down", "down", "up"):
        visit.press(PRESSED[name])
        by_key.append(visit.read("document.getElementById('talk').scrollTop"))
    visit.press("End", "Home")
    for name in ("down", "down", "up"):
        visit.page.locator(f"#key_{name}").click()
        by_click.append(visit.read("document.getElementById('talk').scrollTop"))
    assert by_key == by_click
    assert 0 < by_key[0] == by_key[2] < by_key[1]


@pytest.mark.slow
def test_the_help_lists_every_key_and_nothing_is_behind_it_while_it_is_open(opened: Open) -> None:
    visit = at(opened, "event")
    visit.press("?")
    told = visit.page.get_by_role("dialog").get_by_role("row").all_inner_texts()
    assert [row.split("\t")[0].strip() for row in told] == [
        "1\u20139", "\u2190", "\u2192", "Enter", "W", "R", "\u21e7R", "[", "]", "B", "\u21e7B", "C", "D", "T", "F", "N", "P", ".",
        "Home", "End", "?", "\u2191", "\u2193"
    ]  # fmt: skip
    before = visit.seen
    visit.press("ArrowRight", "w", "n", "1", "Period", "End")
    assert visit.seen == before
    visit.press("?")
    assert not visit.page.get_by_role("dialog").is_visible()
    visit.press("?", "Escape", "ArrowRight")
    assert visit.screen == visit.first("event") + 1


@pytest.mark.slow
def test_single_keys_can_be_switched_off_and_stay_off(opened: Open) -> None:
    visit = at(opened, "decide")
    visit.press("?")
    visit.page.get_by_label("Letters and digits act at once").click()
    visit.press("Escape")
    visit.page.reload()
    before = visit.seen
    visit.press("1", "Numpad2", "w", "r", "BracketLeft", "BracketRight", "b", "c", "d", "t", "n", "p", "Period")
    assert visit.seen == before
    visit.page.get_by_role("listitem").get_by_role("button").first.click()
    visit.press("ArrowRight", "ArrowLeft", "PageDown", "?")
    assert visit.kind == "reveal"
    assert visit.page.get_by_role("dialog").is_visible()


LAYOUTS = [  # keyboards that send another letter, or none, from the place of the key
    ("event", "\u0446", "KeyW"),  # Russian
    ("event", "\u0635", "KeyW"),  # Persian
    ("runs", "\u03c1", "KeyR"),  # Greek
    ("slider", "\u0445", "BracketLeft"),
    ("slider", "\u062c", "BracketLeft"),
    ("decide", "&", "Digit1"),  # French
    ("decide", "\u06f1", "Digit1"),
    ("event", "w", "KeyZ"),  # French: where there is a letter, it counts
]


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "key", "code"), [LAYOUTS[0], *(pytest.param(*each, marks=pytest.mark.slow) for each in LAYOUTS[1:])])
def test_keys_are_found_on_keyboards_of_other_layouts(opened: Open, kind: str, key: str, code: str) -> None:
    usual = {"event": "w", "runs": "r", "slider": "BracketLeft", "decide": "Digit1"}
    here, there = at(opened, kind), at(opened, kind)
    there.press(usual[kind])
    assert not here.strike(key, code), "the browser must not act on it as well"
    assert here.seen == there.seen


@pytest.mark.slow
def test_a_letter_of_another_place_is_no_key(opened: Open) -> None:
    visit = at(opened, "event")
    before = visit.seen
    assert visit.strike("z", "KeyW"), "French: what is at the place of W is a Z"
    assert visit.seen == before


@pytest.mark.slow
@pytest.mark.parametrize("held", ["ctrlKey", *(pytest.param(each, marks=pytest.mark.slow) for each in ("metaKey", "altKey"))])
def test_what_is_pressed_with_control_is_the_browsers(opened: Open, held: str) -> None:
    visit = listening(at(opened, "event"))
    before = outcome(visit)
    for key, code in [
        ("p", "KeyP"),
        ("r", "KeyR"),
        ("w", "KeyW"),
        ("f", "KeyF"),
        ("d", "KeyD"),
        ("1", "Digit1"),
        ("ArrowLeft", "ArrowLeft"),
        ("Home", "Home"),
    ]:
        assert visit.strike(key, code, **{held: True})
    assert outcome(visit) == before


@pytest.mark.slow
@pytest.mark.parametrize("key", ["Space", "Enter"])
def test_space_and_enter_on_a_button_press_that_button_and_nothing_else(opened: Open, key: str) -> None:
    visit = at(opened, "event")
    for shown in (True, False):
        visit.page.locator("#key_notes").focus()
        visit.press(key)
        assert visit.page.locator("#notes").is_visible() is shown
        assert visit.kind == "event"
        assert visit.read("document.activeElement.id") == "key_notes"


@pytest.mark.slow
def test_the_slider_is_a_slider_to_those_who_come_to_it_by_tab(opened: Open) -> None:
    visit = at(opened, "slider")
    slider = visit.page.get_by_role("slider")
    start = int(slider.input_value())
    slider.focus()
    visit.press("ArrowLeft", "ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "ArrowLeft")
    assert int(slider.input_value()) == start - 2
    assert visit.kind == "slider"
    visit.press("Home")
    assert (visit.kind, slider.input_value()) == ("slider", "0")
    visit.press("End")
    assert slider.input_value() == slider.get_attribute("max") == str(len(visit.lesson["slider"]["stops"]) - 1)
    visit.press(*["ArrowLeft"] * (int(slider.input_value()) - start + 2))
    by_brackets = at(opened, "slider")
    by_brackets.press("BracketLeft", "BracketLeft")
    assert visit.seen == by_brackets.seen


@pytest.mark.slow
def test_the_slider_says_what_it_stands_at(opened: Open) -> None:
    visit = at(opened, "slider")
    visit.press(*["BracketLeft"] * 30)
    slider = visit.page.get_by_role("slider")
    assert slider.get_attribute("aria-valuetext") == "40 in 100"
    choice = visit.lesson["choices"]["diplomatic_answer"]
    assert slider.get_attribute("aria-label") == f"Share of \u2018{choice['options']['recall']}\u2019 as an answer to: {choice['question']}"
    assert visit.page.locator("#key_less").is_disabled()


@pytest.mark.slow
def test_any_key_lights_the_screen_again_and_does_nothing_else(opened: Open) -> None:
    visit = at(opened, "event")
    before = visit.seen
    for key in ("Period", "ArrowRight", "w", "1"):
        visit.press("Period")
        assert visit.page.locator("#blank").is_visible()
        visit.press(key)
        assert visit.seen == before
    visit.press("Period")
    visit.page.locator("#blank").click()
    assert visit.seen == before


@pytest.mark.slow
def test_another_replay_adds_a_history_and_twenty_more_until_there_is_none(opened: Open) -> None:
    visit = at(opened, "runs")
    picture = visit.page.locator("#picture").get_by_role("img")
    assert picture.get_attribute("aria-label").startswith("0 histories drawn at random")
    visit.press("r")
    assert picture.get_attribute("aria-label").startswith("1 history drawn at random")
    visit.press("Shift+R", "Shift+R")
    assert picture.get_attribute("aria-label").startswith("40 histories drawn at random")
    assert visit.page.locator("#key_replay").is_disabled()


@pytest.mark.slow
def test_every_what_if_can_be_taken_by_key_and_by_click(opened: Open) -> None:
    visit = at(opened, "whatif")
    texts = visit.page.locator(".branches button").all_inner_texts()
    assert len(texts) == len(visit.lesson["branches"]) > 3
    for text in [*texts[1:], texts[0]]:
        visit.press("b")
        assert visit.page.locator("[aria-current]").inner_text() == text
    visit.page.locator(".branches button").nth(2).click()
    visit.press("Digit1", "ArrowRight")
    assert visit.page.locator("h1").inner_text() == texts[2]
    visit.press("c")
    assert visit.kind == "twins"
    visit.press("b")
    assert (visit.kind, visit.page.locator("[aria-current]").inner_text()) == ("whatif", texts[3])


@pytest.mark.slow
def test_a_table_stands_where_a_chart_was(opened: Open) -> None:
    visit = opened()
    visit.press("d")
    for screen in visit.walk():
        if screen["kind"] in BUTTONS and "data" in BUTTONS[screen["kind"]]:
            if visit.page.locator("#picture svg").count():
                visit.press("d")
            visit.play(screen["kind"])
            assert visit.page.locator("#picture table").count() >= 1
            assert visit.page.locator("#picture svg").count() == 0


@pytest.mark.slow
def test_what_is_done_is_said_to_those_who_do_not_see_it(opened: Open) -> None:
    visit = at(opened, "event")
    spoken = visit.page.locator("[role=status]")
    assert spoken.inner_text().startswith("3 of 25. Iran strikes. PAK\u2192IRN: normal. IRN\u2192PAK: normal")
    visit.press("ArrowRight", "Digit2")
    options = visit.page.locator("button.option").all_inner_texts()
    assert spoken.inner_text() == ". ".join(
        [f"{text[2:]}: {int(place == 1)}" for place, text in enumerate(options)] + [visit.page.locator("h1").inner_text()]
    )


@pytest.mark.slow
def test_a_window_of_another_size_is_filled_anew(opened: Open) -> None:
    visit = at(opened, "event")
    fresh = at(opened, "event", size=(1024, 768))
    visit.page.set_viewport_size({"width": 1024, "height": 768})
    visit.page.wait_for_timeout(200)
    assert visit.seen == fresh.seen


# What is not told


def story(visit: Visit) -> Iterator[dict[str, Any]]:
    """Walk as far as there is a future."""
    for screen in visit.walk():
        if screen["kind"] not in (*STORY, "number") or screen.get("when") == "after":
            return
        if screen["kind"] != "number":
            yield screen


@pytest.mark.slow
@pytest.mark.parametrize(("name", "minutes", "size"), [(FIRST, 15, PHONE), (NAMES[1], 15, PROJECTOR)])
def test_a_screen_is_the_same_to_the_last_byte_and_pixel_if_nothing_comes_after_it(
    made: Make, opened: Open, name: str, minutes: int, size: tuple[int, int]
) -> None:
    """So no text, name, order of focus or length of the page can tell of it, in any of the ways in which a screen may be looked at."""
    visit = opened(made(name, minutes=minutes, quiz=minutes == 45), size=size)
    compared = 0
    for screen in story(visit):
        for keys in [(), ("d",), ("d", "w", "n"), ("w", "n")] if screen["kind"] in ("event", "reveal") else [(), ("d",), ("d",)]:
            visit.press(*keys)
            visit.read("draw(true)")  # as one comes to it
            assert visit.look("withoutFuture()") == visit.seen
            compared += 1
    assert compared > 10


def facts(visit: Visit, screen: dict[str, Any]) -> tuple[set[str], str]:
    """Give what later steps would tell, and all that may be said on a screen because it has been told or asked."""
    told = visit.lesson
    dates: dict[str, list[str]] = visit.read("Object.fromEntries(lesson.steps.map(({ day }) => [day, [long(day), short(day)]]))")
    past, future = told["steps"][: screen["upto"]], told["steps"][screen["upto"] :]
    allowed = [told["title"], *told["actions"].values(), *(source for step in past for source in step["sources"])]
    allowed += [told["asked"]["text"]] if screen["kind"] == "guess" else []
    mornings = [told["period"][0], *(each["outlook"] for each in told["screens"][: visit.screen + 1] if "outlook" in each)]
    allowed += visit.read("(days) => days.flatMap((day) => [long(day), short(day)])", mornings)
    allowed += [
        part
        for step in past
        for part in (step["text"], step["disputed"], step["dated"], told["events"][step["event"]]["name"], *dates[step["day"]])
        if part
    ]
    texts = {part for step in future for part in (told["events"][step["event"]]["name"], step["text"], *dates[step["day"]], step["day"]) if part}
    if told["asked"] and told["asked"]["history"] and not any(each["kind"] == "number" for each in told["screens"][: visit.screen]):
        texts.add(visit.read("say('days', { n: lesson.asked.history })"))
    return texts, "\n".join(allowed)


@pytest.mark.parametrize(
    ("name", "minutes"),
    [
        pytest.param(name, minutes, marks=[] if (name, minutes) == (NAMES[2], 5) else pytest.mark.slow)
        for name, minutes in ((NAMES[2], 5), (FIRST, 15))
    ],
)
def test_nothing_that_is_still_to_come_is_said_on_a_screen_or_read_out(made: Make, opened: Open, name: str, minutes: int) -> None:
    visit = opened(made(name, minutes=minutes))
    looked_for = 0
    for screen in story(visit):
        texts, allowed = facts(visit, screen)
        looked_for += len(texts)
        for keys in [(), ("d",), ("w",), ("n",), ("d",)] if screen["kind"] in ("event", "reveal") else [(), ("d", "n"), ("d",)]:
            visit.press(*keys)
            said = "\n".join([*visit.look("told()"), *visit.read_out])
            assert not {text for text in texts if text in said and text not in allowed}, f"{screen}"
    assert looked_for > 20


@pytest.mark.slow
@pytest.mark.parametrize("name", [NAMES[1]])
def test_every_mission_is_said_to_stand_where_it_stood_by_then(made: Make, opened: Open, name: str) -> None:
    visit = opened(made(name, minutes=45))
    told = visit.lesson
    names = {status["key"]: status["name"] for status in told["statuses"]}
    called = {who: visit.read("(who) => mission(who)", who) for who in told["missions"]}
    for screen in story(visit):
        if screen["kind"] in ("title", "quiz"):
            continue
        stood = dict(told["missions"])
        for step in told["steps"][: screen["upto"]]:
            stood.update((who, to) for who, _, to, _ in step["moves"])
        label = visit.page.locator("#picture svg").get_attribute("aria-label")
        assert label.split(". ")[1:] == [f"{called[who]}: {names[status]}" for who, status in stood.items()]
        visit.press("d")
        rows = visit.page.locator("#picture table").first.locator("tbody tr").all_inner_texts()
        assert rows == [f"{called[who]}\t{names[status]}" for who, status in stood.items()]
        visit.press("d")


@pytest.mark.slow
def test_tab_comes_past_the_options_and_the_keys_and_nothing_that_is_not_shown(opened: Open) -> None:
    visit = at(opened, "decide")
    options = [f"{place} {text}" for place, text in enumerate(visit.read("choices(current()).map(({ text }) => text)"), start=1)]
    keys = [
        "\u2190 back",
        "\u2192 next",
        "Enter twice, without hands",
        "D table",
        "T text",
        "F full screen",
        "N notes",
        ". blank",
        "Home first",
        "End last",
        "? keys",
    ]
    met = []
    for _ in ["the words beside the picture", *options, *keys]:
        visit.press("Tab")
        assert visit.page.locator(":focus").is_visible()
        met.append(" ".join(visit.page.locator(":focus").inner_text().split()))
    assert met[1:] == options + keys
    visit.press("Tab")
    assert visit.read("document.activeElement") == visit.read("document.body"), "there is no more"


# That it fits


def faults(visit: Visit) -> Iterator[str]:
    """Walk through a lesson and say what is wrong with the layout of any screen."""
    width, height = (visit.page.viewport_size or {}).values()
    least = 16 if (width, height) == PHONE else 0.022 * height - 1
    for place, screen in enumerate(visit.walk(), start=1):
        visit.play(screen["kind"])
        for keys in (
            [(), ("w",), ("d",), ("d",)]
            if screen["kind"] in ("event", "reveal")
            else [(), ("d",), ("d",)]
            if "data" in BUTTONS.get(screen["kind"], ())
            else [()]
        ):
            visit.press(*keys)
            yield from (f"{place} {screen['kind']} {' '.join(keys)}: {fault}" for fault in visit.look(f"faults({least})"))


@pytest.mark.slow
@pytest.mark.parametrize("size", [PROJECTOR, PHONE], ids=named)
def test_the_shortest_lesson_fits_a_projector_and_a_phone(made: Make, opened: Open, size: tuple[int, int]) -> None:
    assert list(faults(opened(made(NAMES[2], minutes=5), size=size))) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "size"),
    [pytest.param(name, size, id=f"{name}-{named(size)}") for name in NAMES[:2] for size in (SIZES if name == FIRST else [PROJECTOR, (1024, 768)])],
)
def test_every_screen_fits_and_can_be_read(made: Make, opened: Open, name: str, size: tuple[int, int]) -> None:
    minutes = 45 if size == PROJECTOR else 15
    assert list(faults(opened(made(name, minutes=minutes, quiz=True), size=size))) == []


@pytest.mark.slow
@pytest.mark.parametrize(("name", "size"), [(FIRST, PROJECTOR), (NAMES[1], PROJECTOR)])
def test_what_is_said_beside_a_picture_is_there_without_scrolling(made: Make, opened: Open, name: str, size: tuple[int, int]) -> None:
    visit = opened(made(name), size=size)
    hidden = {}
    for screen in visit.walk():
        visit.play(screen["kind"])
        hidden[visit.screen + 1] = visit.look("hidden()")
    assert {place: pixels for place, pixels in hidden.items() if pixels} == {}


@pytest.mark.slow
@pytest.mark.parametrize("larger", [LARGER - 1])
def test_a_larger_text_still_fits(made: Make, opened: Open, larger: int) -> None:
    assert list(faults(opened(made(text=larger)))) == []


@pytest.mark.slow
def test_text_grows_by_key_to_its_largest_and_comes_back(opened: Open) -> None:
    visit = at(opened, "event")
    sizes = [visit.read("rem()")]
    for _ in range(LARGER):
        visit.press("t")
        sizes.append(visit.read("rem()"))
    assert sizes[:LARGER] == sorted(sizes[:LARGER])
    assert sizes[LARGER - 1] > 1.4 * sizes[0]
    assert sizes[LARGER] == sizes[0]


@pytest.mark.slow
@pytest.mark.parametrize("name", [FIRST])
def test_twice_the_size_is_one_column_with_the_same_words(made: Make, opened: Open, name: str) -> None:
    """What a browser does at 200 % on a projector of 1280 x 720."""
    usual, enlarged = opened(made(name)), opened(made(name), size=(640, 360), device_scale_factor=2)
    for _ in zip(usual.walk(), enlarged.walk(), strict=True):
        words = [" ".join(visit.page.locator("#talk").inner_text().split()) for visit in (usual, enlarged)]
        assert words[0] == words[1]
        assert enlarged.page.locator("#key_next").is_visible()
        assert enlarged.look("faults(16)") == []


@pytest.mark.slow
def test_colours_of_the_system_leave_every_word_and_the_votes_to_be_seen(opened: Open) -> None:
    usual, forced = opened(), opened(forced_colors="active")
    for _ in zip(usual.walk(), forced.walk(), strict=True):
        assert forced.page.locator("main").inner_text() == usual.page.locator("main").inner_text()
        assert forced.look("faults(0)") == []
        for count in forced.page.locator(".count").all():
            assert count.evaluate("(node) => getComputedStyle(node).color") == "rgb(0, 0, 0)", "what the system has for text"


@pytest.mark.slow
def test_nothing_moves_by_itself(opened: Open) -> None:
    """So those who asked for less motion need nothing else: nothing on any screen is animated, slides or scrolls smoothly."""
    visit = opened()
    for _ in visit.walk():
        assert visit.read("document.getAnimations().length") == 0
    moving = """(node) => {
        const { transitionDuration, animationName, scrollBehavior } = getComputedStyle(node);
        return transitionDuration !== "0s" || animationName !== "none" || scrollBehavior === "smooth";
    }"""
    assert visit.read(f"[...document.querySelectorAll('*')].filter({moving}).length") == 0


# Those who cannot see or point


def findings(visit: Visit, *, colours: bool = True) -> list[str]:
    """Give what axe finds on the screen, the serious apart from the rest."""
    rules = {} if colours else {"rules": {"color-contrast": {"enabled": False}}}  # axe reads colours that the system has replaced
    found = Axe().run(visit.page, options={"resultTypes": ["violations"], **rules}).response["violations"]
    return [f"{each['impact']} {each['id']}: {each['nodes'][0]['html'][:120]}" for each in found]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "size", "forced"),
    [pytest.param(FIRST, size, "none", id=f"{FIRST}-{named(size)}") for size in (PHONE, PROJECTOR)]
    + [pytest.param(NAMES[1], PROJECTOR, "none", id=NAMES[1])]
    + [pytest.param(FIRST, PROJECTOR, "active", id="forced-colours")],
)
def test_axe_finds_nothing_on_any_screen(made: Make, opened: Open, name: str, size: tuple[int, int], forced: str) -> None:
    visit = opened(made(name, minutes=45, quiz=True), size=size, forced_colors=forced)
    found = {}
    for place, screen in enumerate(visit.walk(), start=1):
        visit.play(screen["kind"])
        found[place] = findings(visit, colours=forced == "none")
        if screen["kind"] in ("event", "reveal") and place % 3 == 0:
            visit.press("w", "d", "n")
            found[place] += findings(visit, colours=forced == "none")
            visit.press("n", "d", "w")
    visit.press("?")
    found[0] = findings(visit, colours=forced == "none")
    assert {place: faults for place, faults in found.items() if faults} == {}


# Offline, and safe from what is written in a file


@pytest.mark.slow
def test_the_page_may_run_no_script_of_others_and_fetch_nothing(browser: Browser, made: Make) -> None:
    visit = Visit(browser, made())
    failed: list[str] = []
    visit.page.on("requestfailed", lambda request: failed.append(f"{request.url}: {request.failure}"))
    tried = """() => new Promise((done) => {
        const stopped = [];
        document.addEventListener("securitypolicyviolation", (event) => stopped.push(event.effectiveDirective) === 4 && done(stopped));
        for (const [name, more] of [
            ["script", { textContent: "window.hacked = 1" }],
            ["style", { textContent: "main { display: none }" }],
            ["img", { src: "http://192.0.2.1/picture.png" }],
        ]) document.body.append(Object.assign(document.createElement(name), more));
        fetch("http://192.0.2.1/").catch(() => {});
    })"""
    assert sorted(visit.read(tried)) == ["connect-src", "img-src", "script-src-elem", "style-src-elem"]
    assert visit.read("window.hacked") is None
    assert visit.page.locator("main").is_visible()
    assert failed == ["http://192.0.2.1/picture.png: csp"], "it is the page that refuses, not the missing network"
    visit.context.close()


@pytest.mark.slow
def test_a_page_without_scripts_says_so(opened: Open) -> None:
    visit = opened(java_script_enabled=False)
    assert "This lesson needs JavaScript" in visit.page.locator("noscript").inner_text()


EVIL = '</script><script>window.hacked=1</script><img src=x onerror=window.hacked=1>\u2028 & "q" \' ${1} $& {unit} {{script}}'


def hostile(name: str) -> Any:
    """Give a scenario that ships with every text in it replaced by one that would like to be more than text."""
    data = read(Path("scenarios") / f"{name}.yaml").root.plain()

    def put(owner: dict[str, Any], *keys: str, most: int = 400) -> None:
        for key in keys:
            if key in owner:
                owner[key] = EVIL[:most]

    put(data, "title", "summary")
    data["limits"] = [EVIL] * 3
    for texts in (data["actors"], data["sources"], data.get("actions", {})):
        put(texts, *texts)
    for entry in [*data["events"], *data.get("background", [])]:
        put(entry, "text", "disputed", "basis")
        put(entry, "label", most=40)
    for choice in data["choices"].values():
        put(choice, "question", "basis")
        put(choice.get("wording", {}), *choice["options"], most=60)
        if "wording" in choice:
            choice["wording"] = {key: (f"{place}{EVIL}")[:60] for place, key in enumerate(choice["wording"])}
    for each in [*data["questions"].values(), *data["what_if"].values()]:
        put(each, "text")
    return load(data, "hostile")


@pytest.mark.parametrize(("name", "minutes"), [(NAMES[2], 5), pytest.param(FIRST, 45, marks=pytest.mark.slow)])
def test_whatever_a_file_says_stays_text(opened: Open, tmp_path: Path, name: str, minutes: int) -> None:
    file = tmp_path / "hostile.html"
    file.write_bytes(page(hostile(name), Options(n=200, minutes=minutes, quiz=True, answers=True)))
    visit = opened(file)
    shown = 0
    for screen in visit.walk():
        visit.play(screen["kind"])
        for keys in ("", "w", "d", "n"):
            visit.press(*keys)
            shown += visit.page.locator("body").inner_text().count("<img src=x")
            assert visit.read("window.hacked") is None
            assert visit.page.locator("img, body script:not(#lesson, #words) ~ script ~ script").count() == 0
        visit.press("d", "n")
    assert shown > 50
    assert visit.page.title().startswith("</script><script>window.hacked=1</script>")
    assert visit.read("document.querySelectorAll('script').length") == 3


# On paper


def printed(visit: Visit) -> list[str]:
    """Print as a browser does, and give the text of every page; all are A4."""
    pages = PdfReader(io.BytesIO(visit.page.pdf(prefer_css_page_size=True))).pages
    assert {(round(float(each.mediabox.width)), round(float(each.mediabox.height))) for each in pages} == {(595, 842)}
    return [each.extract_text() for each in pages]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "quiz", "answers"),
    [
        pytest.param(name, quiz, answers, marks=[] if name == FIRST and quiz and answers else pytest.mark.slow)
        for name in NAMES
        for quiz, answers in ((True, True), (False, False))
        if answers or name == FIRST
    ],
)
def test_the_sheet_is_one_page_and_its_answers_another(made: Make, opened: Open, name: str, quiz: bool, answers: bool) -> None:
    visit = at(opened, "sheet", made(name, quiz=quiz, answers=answers))
    pages = printed(visit)
    assert [text.splitlines()[0].partition(": ")[2] for text in pages] == ["Exercise sheet", "Answers"][: 1 + answers]
    assert all(f"{name} \u00b7 {visit.lesson['hash'][:16]}" in text for text in pages)
    assert "5." in pages[0]
    if quiz:
        visit.go(visit.first("tally"))
        (tally,) = printed(visit)
        assert "Before After" in tally


@pytest.mark.slow
def test_the_same_is_printed_from_every_screen_and_nothing_of_the_screen_is(opened: Open) -> None:
    visit = opened()
    from_first = printed(visit)
    for kind in ("event", "slider", "whatif", "sheet"):
        visit.go(visit.first(kind))
        before = visit.seen
        assert printed(visit) == from_first
        assert visit.seen == before, "printing leaves the screen as it was"
        visit.press("n", "t")
    assert not re.search(r"full screen|not yet known|of 25", "".join(from_first))


# In time


@pytest.mark.slow
def test_the_slider_answers_at_once(made: Make, opened: Open) -> None:
    """With a generous bound, since tests share their machine; `python -m tests.screens --timing` measures."""
    visit = at(opened, "slider", made(n=100_000))
    times = key_to_paint(visit, ["BracketLeft", "BracketRight"] * (PRESSES // 2))
    print(f"key to repaint: median {statistics.median(times):.0f} ms, p90 {sorted(times)[PRESSES * 9 // 10]:.0f} ms")
    assert len(times) == PRESSES
    assert sorted(times)[PRESSES * 9 // 10] < 500
