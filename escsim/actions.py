"""The vocabulary of actions: what actors do in a crisis beside moving missions, and how event data call it."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, GetJsonSchemaHandler, model_validator
from pydantic_core import CoreSchema

from escsim.errors import ScenarioError
from escsim.forms import CAMEO, Form, Name, Text, Truth, fill, key
from escsim.reading import Node, read

SHIPPED = Path(__file__).parent / "actions.yaml"

Plover = Literal[
    "AGREE", "CONSULT", "SUPPORT", "COOPERATE", "AID", "CONCEDE", "RETREAT", "REQUEST", "ACCUSE", "REJECT", "THREATEN", "PROTEST",
    "SANCTION", "MOBILIZE", "COERCE", "ASSAULT",
]  # fmt: skip
Kind = Literal["talk", "concession", "pressure", "force", "other"]


class Action(Form):
    """Something an actor can do."""

    text: Text = key("What it means, in one sentence.", "High-level visits stop.")
    cameo: Annotated[str, Field(pattern=CAMEO)] | None = key("CAMEO root code, in quotes.", "16", None)
    plover: Plover | None = key("PLOVER event type.", "SANCTION", None)
    moves_missions: Truth = key("Whether it changes the status of a mission, so that the ladder must know it as a trigger.", False, False)

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: object) -> object:
        return {"text": value} if isinstance(value, str) else value

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"title": "Action", "anyOf": [{"type": "string", "minLength": 1, "description": "What it means, in one sentence."}, handler(schema)]}

    @property
    def kind(self) -> Kind:
        """Its class by CAMEO root: 01-05 words and 06-08 deeds of cooperation, 09-14 words and 15-20 deeds of conflict."""
        if self.cameo is None:
            return "other"
        root = int(self.cameo)
        if root <= 5:
            return "talk"
        if root <= 8:
            return "concession"
        return "force" if root in (15, 18, 19, 20) else "pressure"


class _Vocabulary(Form):
    """The shipped file, its actions under one key."""

    actions: dict[Name, Action]


@cache
def shipped() -> dict[str, Action]:
    """Load the vocabulary that ships with escsim: name -> action."""
    root = read(SHIPPED, SHIPPED.name).root
    filled = fill(_Vocabulary, Node({"actions": root}, root.place))
    if filled.form is None or filled.problems:
        raise ScenarioError(filled.problems)
    return filled.form.actions
