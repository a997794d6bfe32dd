"""The table by which event data are read: what their codes mean in the vocabulary of actions, and who their actors are."""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Annotated, NamedTuple, get_args

from pydantic import BeforeValidator, Field

from escsim import actions as vocabulary
from escsim.errors import Problem, ScenarioError, quoted, suggest
from escsim.forms import CODE, Actor, Form, Name, OneOrMore, Text, fill, key
from escsim.reading import parse, read, text_of
from escsim.references import Refers, references

SHIPPED = Path(__file__).parent / "codes.yaml"
STATES = Path(__file__).parent / "states.yaml"
IGNORE, STATE, NAME = "ignore", "state", "name"

Code = Annotated[str, Field(pattern=CODE)]
ActionName = Annotated[Name, Refers("action")]


class Named(Form):
    """Whom a name in the data stands for."""

    name: Text | None = key("Its name in the scenario; by default that of the state, or the name in the data.", "Iran", None)
    key: Actor = key("The actor's key in the scenario, three capitals for a state; `ignore` leaves its rows out.", "IRN")


NamedOrKey = Annotated[
    Named, BeforeValidator(lambda value: {"key": value} if isinstance(value, str) else value, json_schema_input_type=Actor | Named)
]


class Table(Form):
    """What a map of codes says."""

    codes: dict[Code, OneOrMore[ActionName]] = key("Code -> an action, several if the code cannot tell, or `ignore`.", {"161": "recall_envoy"}, {})
    both_ways: tuple[ActionName, ...] = key("Acts of two sides that the data may hold once in each direction.", ["phone_call", "visit"], ())
    roles: dict[str, Name] = key(
        "Role of an actor -> `state`, what to call such a party, or `name` to call it by its own.", {"GOV": "state", "REB": "rebels"}, {}
    )
    actors: dict[str, NamedOrKey] = key("Name or code in the data -> the actor's key.", {"Tehran": "IRN"}, {})


class Party(NamedTuple):
    """An actor as a row has it: the empty text is what the row does not say."""

    name: str
    code: str = ""
    country: str = ""
    roles: str = ""


class Who(NamedTuple):
    """An actor of the scenario; `known` is false where nothing in the data tells whether it is a state."""

    key: str
    name: str
    known: bool = True


class Codes:
    """A map of codes laid over the shipped one, ready for use.

    Parameters
    ----------
    table : Table
        What it says in place of the shipped one.
    """

    def __init__(self, table: Table | None = None) -> None:
        base, own = _shipped(), table or Table()
        self.actions = {**base.codes, **own.codes}
        self.both_ways = frozenset(own.both_ways or base.both_ways)
        self.roles = {name.casefold(): role for name, role in {**base.roles, **own.roles}.items()}
        self.named = {name.casefold(): each for name, each in {**base.actors, **own.actors}.items()}
        self.states = {name.casefold(): state for state, names in _states().items() for name in (state, *names)}
        self.states |= {name: each.key for name, each in self.named.items() if _is_state(each.key)}

    def meaning(self, code: str) -> tuple[str, ...] | None:
        """Give the actions that a code may stand for, by its longest prefix that is mapped; None if there is none."""
        kind, _, mode = code.partition("/")
        if not code.isascii() or not code.isdigit():
            kind = kind.strip().upper()
            return self.actions.get(f"{kind}/{mode.strip().lower()}") or self.actions.get(kind)
        found = (self.actions.get(code[:length]) for length in (4, 3, 2))
        return next(filter(None, found), None) if len(code) <= 4 else None

    def who(self, party: Party) -> Who | None:
        """Say whom a row means; None if it says nothing of the actor or the map ignores it."""
        for text in filter(None, (party.name, party.code)):
            if (named := self.named.get(text.casefold())) is not None:
                name = named.name or _states().get(named.key, (text,))[0]
                return None if named.key == IGNORE else Who(named.key, name)
        if party.code == party.name and (state := self._state(party.name)):  # one column for both, and no country `TUR` in `TURKEY`
            return state
        parts = re.findall("...", party.code) if re.fullmatch("([A-Z]{3})+", party.code) else []
        state = self._state(party.country) or self._state(parts[0] if parts else "")
        rest = parts[1:] if parts and self._state(parts[0]) else parts
        roles = [self.roles[role] for each in (*rest, *re.split("[,;]", party.roles)) if (role := each.strip().casefold()) in self.roles]
        if state and (STATE in roles or not (roles or rest or (party.name and not parts))):
            return state
        if not roles and not rest and (alone := self._state(party.name)):
            return alone
        if rest and roles and roles[0] not in (STATE, NAME):  # names behind such codes are words like MILITANT
            return Who(f"{roles[0]}_{state.key.lower()}" if state else roles[0], f"{roles[0].capitalize()}{f' ({state.name})' if state else ''}")
        name = party.name or party.code
        return Who(_slug(name), name, bool(state or {*roles} - {STATE})) if name else None

    def _state(self, text: str) -> Who | None:
        state = self.states.get(text.casefold()) if text else None
        return None if state is None else Who(state, _states().get(state, (text,))[0])


def load(path: Path) -> Codes:
    """Load a map of codes from a file.

    Raises
    ------
    ScenarioError
        If anything is wrong in it: `problems` holds all faults, each with place and remedy.
    OSError
        If it cannot be read.
    """
    document = parse(text_of(path, str(path)), str(path))
    filled = fill(Table, document.root)
    problems = document.problems + filled.problems
    if filled.form is not None:
        problems += [Problem(document.root.place_of(*path, key=at_key), message, remedy) for path, message, remedy, at_key in _faults(filled.form)]
    if problems:
        raise ScenarioError(problems)
    return Codes(filled.form)


def _faults(table: Table) -> Iterator[tuple[tuple[str | int, ...], str, str, bool]]:
    """Find names that stand for nothing."""
    words, types = vocabulary.shipped(), get_args(vocabulary.Plover)
    for _, action, path, _ in references(table):
        known = [*words, IGNORE] if path[0] == "codes" else [*words]
        if action not in known:
            remedy = suggest(action, known)
            yield path, f"unknown action {quoted(action)}", remedy if remedy.startswith("did") else "`escsim list --actions` names them all", False
    for code, meaning in table.codes.items():
        kind = code.partition("/")[0]
        if kind.isalpha() and kind not in types:
            yield ("codes", code), f"unknown type {quoted(kind)}", suggest(kind, types, "types of PLOVER"), True
        if IGNORE in meaning and len(meaning) > 1:
            yield ("codes", code), "`ignore` stands alone", f'"{code}": ignore', False


@cache
def _shipped() -> Table:
    return Table.model_validate(read(SHIPPED).root.plain())


@cache
def _states() -> dict[str, tuple[str, ...]]:
    """Give the names of each state, that to show first."""
    return {state: tuple(names) if isinstance(names, list) else (names,) for state, names in read(STATES).root.plain().items()}


def _is_state(name: str) -> bool:
    return re.fullmatch("[A-Z]{3}", name) is not None


def _slug(text: str) -> str:
    """Make a name in small letters of a text; of one in another script a number that is always the same."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    name = re.sub("[^a-z0-9]+", "_", plain).strip("_")[:40].rstrip("_")
    return name if re.match("[a-z]", name) else f"party_{name or format(zlib.crc32(text.encode()), 'x')}"
