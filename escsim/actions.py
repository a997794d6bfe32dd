"""The vocabulary of actions: what actors do in a crisis beside moving missions, and how event data call it."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, TypeAdapter

from escsim.forms import CAMEO, Form, Name, Text, Truth, key
from escsim.reading import read

Plover = Literal[
    "AGREE", "CONSULT", "SUPPORT", "COOPERATE", "AID", "CONCEDE", "RETREAT", "REQUEST", "ACCUSE", "REJECT", "THREATEN", "PROTEST",
    "SANCTION", "MOBILIZE", "COERCE", "ASSAULT",
]  # fmt: skip


class Action(Form):
    """Something an actor can do."""

    text: Text = key("What it means, in one sentence.", "High-level visits stop.")
    cameo: Annotated[str, Field(pattern=CAMEO)] | None = key("CAMEO root code, in quotes.", "16", None)
    plover: Plover | None = key("PLOVER event type.", "SANCTION", None)
    moves_missions: Truth = key("Whether it changes the status of a mission, so that the ladder must know it as a trigger.", False, False)
    absence: Literal["recall", "downgrade", "break"] | None = key("Which kind of absence of an ambassador it begins.", "recall", None)
    settles: Truth = key("Whether it settles the return of an ambassador that is still to be carried out.", False, False)


ActionOrText = Annotated[
    Action, BeforeValidator(lambda value: {"text": value} if isinstance(value, str) else value, json_schema_input_type=Text | Action)
]


@cache
def shipped() -> dict[str, Action]:
    """Load the vocabulary that ships with escsim: name -> action."""
    path = Path(__file__).parent / "actions.yaml"
    return TypeAdapter(dict[Name, ActionOrText]).validate_python(read(path).root.plain())
