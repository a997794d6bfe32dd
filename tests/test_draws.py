"""Addressed randomness: the published answers of Philox, stable addresses, and runs that repeat."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import escsim
from escsim.draws import Addressed, address, philox
from escsim.ensemble import log
from escsim.process import Process, compile_scenario, digest
from escsim.scenario import Scenario
from escsim.stepper import run
from tests import strategies


@pytest.mark.parametrize(
    ("counter", "seed", "block"),
    [
        ((0, 0, 0, 0), 0, (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((0xFFFFFFFF,) * 4, 2**64 - 1, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        ((0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344), 0xA4093822 | 0x299F31D0 << 32, (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1)),
    ],
)
def test_philox_gives_the_answers_that_random123_publishes(counter: tuple[int, int, int, int], seed: int, block: tuple[int, ...]) -> None:
    assert philox(counter, seed) == block


def test_addresses_are_hashes_of_names() -> None:
    """An address that depends on the place in the file would change the draws when an event is added."""
    assert address("event", "recall") == 0x5030F78F, "the first four bytes of BLAKE2s, least significant first"
    assert address("event", "recall") != address("choice", "recall")


COLLIDING = """\
title: Two names, one address
actors: {AAA: Alpha, BBB: Beta}
ladder: simple
period: {from: 2024-01-01, to: 2024-01-10}
events:
  - {id: e83308, actor: AAA, target: BBB, action: recall_envoy, delay: 1 day}
  - {id: first, actor: AAA, action: protest, delay: 1 day}
  - {id: other, actor: BBB, action: protest, delay: 1 day}
choices:
  CHOICE: {actor: AAA, question: One?, options: {first: 0.5, nothing: 0.5}}
  c6381: {actor: BBB, question: Other?, options: {other: 0.5, nothing: 0.5}}
"""


@pytest.mark.parametrize(("choice", "other", "line"), [("c15862", "e83308", 10), ("c67250", "c6381", 11)])
def test_names_that_share_an_address_are_refused(choice: str, other: str, line: int, tmp_path: Path) -> None:
    """Two decisions taken by the same random numbers; tests/bad has two events, here is a choice with an event and with a choice."""
    assert address("choice", choice) == address("event" if other[0] == "e" else "choice", other)  # found by trying 100,000 names
    path = tmp_path / "colliding.yaml"
    path.write_text(COLLIDING.replace("CHOICE", choice), "utf-8")
    with pytest.raises(escsim.ScenarioError) as error:
        escsim.load(path)
    later, earlier = (choice, other) if line == 10 else (other, choice)
    assert [problem.message for problem in error.value.problems] == [f"{later!r} and {earlier!r} would share their random numbers"]
    assert error.value.problems[0].place.line == line
    path.write_text(COLLIDING.replace("CHOICE", "another"), "utf-8")
    assert list(escsim.load(path).choices) == ["another", "c6381"]


def altered(value: Any) -> list[Any]:
    """Give values that differ a little from a number, or from an array: its first and last entry, length, shape and type."""
    if isinstance(value, int):
        return [value + 1]
    found = [value[:-1], np.append(value, value[-1:]), value.reshape(1, -1), value.astype(np.float32)]
    for place in {0, len(value) - 1}:  # another value at one end
        other = value.copy()
        other[place] = not other[place]
        found.append(other)
    return found


@pytest.mark.parametrize("field", Process._fields)
def test_the_digest_of_a_process_tells_every_change(field: str) -> None:
    """A result that cannot be told from that of another process."""
    process = compile_scenario(escsim.load("iran-pakistan-2024"))
    changed = [digest(process._replace(**{field: value})) for value in altered(getattr(process, field))]
    assert len({digest(process), *changed}) == 1 + len(changed)


def test_the_digest_tells_where_one_array_ends_and_the_next_begins() -> None:
    process = compile_scenario(escsim.load("iran-pakistan-2024"))
    moved = process._replace(options=process.options[:-1], option=np.append(process.options[-1:], process.option))
    assert digest(moved) != digest(process)


def test_the_digest_does_not_depend_on_what_compiles_to_nothing(tmp_path: Path) -> None:
    path, text = tmp_path / "other.yaml", Path(escsim.library.find("iran-pakistan-2024")).read_text("utf-8")
    path.write_text("# A comment.\n" + text.replace("\ntitle: ", "\ntitle: Not ", 1), "utf-8")
    assert escsim.load(path).hash != escsim.load("iran-pakistan-2024").hash
    assert digest(compile_scenario(escsim.load(path))) == digest(compile_scenario(escsim.load("iran-pakistan-2024")))


def test_a_trajectory_depends_on_seed_and_number_alone() -> None:
    scenario = escsim.load("iran-pakistan-2024")
    process = compile_scenario(scenario)
    assert digest(process) == digest(compile_scenario(escsim.load("iran-pakistan-2024")))
    one = run(scenario, Addressed(scenario, process, 7, 3))
    assert one.steps == run(scenario, Addressed(scenario, process, 7, 3)).steps
    assert one.steps != run(scenario, Addressed(scenario, process, 7, 4)).steps
    assert one.steps != run(scenario, Addressed(scenario, process, 8, 3)).steps
    assert one.draws == "seed 7, trajectory 3"


def test_an_event_that_nothing_depends_on_changes_no_other_step(tmp_path: Path) -> None:
    path = tmp_path / "more.yaml"
    text = Path(escsim.library.find("iran-pakistan-2024")).read_text("utf-8")
    extra = "  - {id: rumour, actor: CHN, action: internal_statement, delay: 3 days, probability: 0.5}\n"
    path.write_text(text.replace("\nevents:\n", f"\nevents:\n{extra}", 1), "utf-8")
    base, more = escsim.load("iran-pakistan-2024"), escsim.load(path)
    compiled, compiled_more = compile_scenario(base), compile_scenario(more)
    for number in range(20):
        steps = [(step.tick, step.event, step.moves) for step in run(base, Addressed(base, compiled, 7, number)).steps]
        others = [(step.tick, step.event, step.moves) for step in run(more, Addressed(more, compiled_more, 7, number)).steps]
        assert steps == [step for step in others if step[1] != "rumour"]


@pytest.mark.parametrize("name", ["iran-pakistan-2024", "iraq-iran-2024"])
def test_with_no_spread_and_every_probability_1_the_only_world_is_the_replay(name: str, tmp_path: Path) -> None:
    path = tmp_path / "sure.yaml"
    original = escsim.library.find(name)
    (tmp_path / original.name).write_text(original.read_text("utf-8"), "utf-8")
    scenario = escsim.load(original)
    dated = [event for event in scenario.events if event.date is not None]
    events = ""
    for event in scenario.events:
        emptied = [key for key in ("probability", "delay", "range") if getattr(event, key) is not None]
        if event.date is None:  # might have, and does not
            emptied = ["range"] * (event.range is not None)
            emptied += ["probability: 0"] * (event.id not in scenario.choice_of)
        said = [key if ":" in key else f"{key}: " for key in emptied]
        events += f"  - {{id: {event.id}{''.join(', ' + each for each in said)}}}\n"
    choices = ""
    for choice, said in scenario.choices.items():
        taken = next((option for option in said.options if option in {event.id for event in dated}), "nothing")
        shares = {option: float(option == taken) for option in said.options}
        ranged = "range: , " if said.range else ""
        choices += f"  {choice}: {{{ranged}options: {shares}}}\n".replace("'", "")
    path.write_text(f"extends: {original.name}\nvariants: {{spread: none}}\nevents:\n{events}choices:\n{choices}", "utf-8")
    sure = escsim.load(path)
    process = compile_scenario(sure)
    replayed = [(step.tick, step.event, step.moves) for step in sure.replay().steps]
    for number in range(5):
        assert [(step.tick, step.event, step.moves) for step in run(sure, Addressed(sure, process, 1, number)).steps] == replayed


EDGE = """\
title: On the edge
actors: {AAA: Alpha}
ladder: simple
period: {from: 2024-01-01, to: 2024-01-10}
events:
  - {id: doubtful, actor: AAA, action: protest, probability: CHANCE, delay: 1 day}
  - {id: one, actor: AAA, action: protest, delay: 2 days}
  - {id: other, actor: AAA, action: protest, delay: 2 days}
choices:
  pick: {actor: AAA, question: Which?, options: {one: SHARE, other: REST}}
"""


def happenings(scenario: Scenario, engine: str, seed: int) -> set[str]:
    """Give what happens in trajectory 0."""
    process = compile_scenario(scenario)
    if engine == "stepper":
        return {step.event for step in run(scenario, Addressed(scenario, process, seed, 0)).steps}
    return {scenario.events[e].id for _, e, _ in log(process, seed, 0, 1)[0]}


@pytest.mark.parametrize("engine", ["stepper", "kernel"])
def test_chance_and_choices_are_cut_at_the_very_word(engine: str) -> None:
    """<= for <: nobody would ever see it in a sample, so probability and share are made to end at the word that is drawn."""
    chance, share = (philox((0, 0, address(*of), 0), 7)[2] for of in (("event", "doubtful"), ("choice", "pick")))
    for more, happens in ((0, {"other"}), (1, {"doubtful", "one"})):
        shares = (share + more) / 2**32
        text = EDGE.replace("CHANCE", repr((chance + more) / 2**32)).replace("SHARE", repr(shares)).replace("REST", repr(1 - shares))
        assert happenings(strategies.load(text), engine, 7) == happens
