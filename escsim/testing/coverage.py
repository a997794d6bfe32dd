"""What runs of a scenario have come to, and what they never came to: statuses, transitions, options, events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Literal, get_args

from escsim.scenario import Scenario
from escsim.stepper import Run

Kind = Literal["statuses", "transitions", "options", "events"]
Part = tuple[str, str]  # mission and status, trigger and status left, choice and option; an event and ""
KINDS: tuple[Kind, ...] = get_args(Kind)
JOINED = {"statuses": "{} {}", "transitions": "{} from {}", "options": "{}: {}", "events": "{}"}


class Coverage:
    """How many runs came to each thing that the scenario's form admits.

    Of statuses that is what the triggers of its events may lead a mission to, of transitions what these triggers may take
    from there, of options those with a share, of events those with a chance; whether clocks and gates let it come about is left to
    `escsim check` to say.

    Parameters
    ----------
    scenario : Scenario

    Attributes
    ----------
    examples : int
        Runs that were watched, those of shrinking too.
    seen : dict of str to Counter
        By kind: how many of them came to each part.
    """

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.admitted = {kind: dict.fromkeys(parts) for kind, parts in _admitted(scenario).items()}
        self.clear()

    def clear(self) -> None:
        """Forget all that was seen."""
        self.examples = 0
        self.seen: dict[Kind, Counter[Part]] = {kind: Counter() for kind in KINDS}

    def watch(self, run: Run) -> None:
        """Take in what a run came to."""
        self.examples += 1
        for kind, parts in came_to(run).items():
            self.seen[kind].update(parts)

    def share(self, kind: Kind) -> float:
        """Give the share of what is admitted that some example came to; 1 if nothing is."""
        admitted = self.admitted[kind]
        return sum(part in self.seen[kind] for part in admitted) / len(admitted) if admitted else 1.0

    def missed(self, kind: Kind) -> list[str]:
        """Name what is admitted and no example came to."""
        return [JOINED[kind].format(*part) for part in self.admitted[kind] if part not in self.seen[kind]]

    def below(self, floor: Mapping[Kind, float]) -> Iterator[str]:
        """Tell of each kind that does not reach its floor what is missing."""
        for kind, least in floor.items():
            if self.share(kind) < least:
                reached = f"{self.share(kind):.1%} of what the scenario admits, where {least:.1%} is wanted"
                yield f"{kind}: {reached}; never: {', '.join(self.missed(kind))}"

    def lines(self) -> list[str]:
        """Tell how much was seen, what was rare, and what never happened."""
        told = [f"{self.examples:,} run{'s' * (self.examples != 1)}"]
        for kind in KINDS:
            admitted, missed = self.admitted[kind], self.missed(kind)
            if not admitted:
                continue
            told.append(f"{kind:<12} {len(admitted) - len(missed)} of {len(admitted)}")
            rare = sorted((part for part in admitted if 0 < self.seen[kind][part] <= self.examples / 50), key=self.seen[kind].__getitem__)
            if rare:
                told.append(f"  rare: {', '.join(f'{JOINED[kind].format(*part)} ({self.seen[kind][part]})' for part in rare)}")
            if missed:
                told.append(f"  never: {', '.join(missed)}")
        return told

    def to_dict(self) -> dict[str, Any]:
        """Give it as plain data for JSON: by kind the share, and how many examples came to each part."""
        return {
            kind: {"share": self.share(kind), "examples": {JOINED[kind].format(*part): self.seen[kind][part] for part in self.admitted[kind]}}
            for kind in KINDS
        }


def came_to(run: Run) -> dict[Kind, set[Part]]:
    """Give what a run came to so far, by kind."""
    moves = [move for step in run.steps for move in step.moves]
    return {
        "statuses": {*run.scenario.initial.items()} | {(move.mission, move.dest) for move in moves},
        "transitions": {(move.trigger, move.source) for move in moves},
        "options": {(note.by, note.event) for note in run.notes if note.stage == "chosen"},
        "events": {(event, "") for event in run.happened},
    }


def _admitted(scenario: Scenario) -> dict[Kind, list[Part]]:
    """Give what the form of a scenario admits, by kind, in its order."""
    ways: dict[str, dict[str, None]] = {mission: {} for mission in scenario.missions}  # the triggers for each mission
    for event in scenario.events:
        if event.probability != 0:
            for trigger, mission in scenario.addressed(event):
                ways[mission][trigger] = None
    statuses: list[Part] = []
    transitions: dict[Part, None] = {}
    for mission, triggers in ways.items():
        reached, rest = set[str](), [scenario.initial[mission]]
        while rest:
            if (status := rest.pop()) not in reached:
                reached.add(status)
                rest += [scenario.ladder.triggers[trigger][status] for trigger in triggers if status in scenario.ladder.triggers[trigger]]
        statuses += [(mission, status) for status in scenario.ladder.statuses if status in reached]
        transitions |= {(trigger, status): None for trigger in triggers for status in scenario.ladder.triggers[trigger] if status in reached}
    options = [(name, option) for name, choice in scenario.choices.items() for option, share in choice.options.items() if share]
    shut = {option for choice in scenario.choices.values() for option, share in choice.options.items() if not share}
    events = [(event.id, "") for event in scenario.events if event.probability != 0 and event.id not in shut]
    return {"statuses": statuses, "transitions": [*transitions], "options": options, "events": events}
