"""Names that refer to something which must exist: marked where a key is declared, found by walking over a form."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from types import UnionType
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin, get_type_hints

from escsim.forms import Form

Path = tuple[str | int, ...]


class Fault(NamedTuple):
    """Something that does not fit: the path of the value at fault (`key`: of its key), what is wrong, how to mend it.

    `lacking` says that something is missing there, which may stand in a part of the file that could not be read.
    """

    path: Path
    message: str
    remedy: str = ""
    key: bool = False
    lacking: bool = False


@dataclass(frozen=True)
class Refers:
    """Marks a type by what its values refer to: `Annotated[Name, Refers("event")]`."""

    to: str


def references(value: Any, path: Path = (), hint: Any = None, *, key: bool = False) -> Iterator[tuple[str, Any, Path, bool]]:
    """Give every value of a marked type in a form: what it refers to, the value, its path, and whether it is a key there.

    `hint` is the type of `value`, as declared; all entries of a tuple are taken to be of the first one's type.
    """
    if isinstance(value, Form):
        for name, alias, each in _hints(type(value)):
            if (part := getattr(value, name)) is not None:
                yield from references(part, (*path, alias), each)
        return
    kind, inner = get_origin(hint), get_args(hint)
    if kind is Annotated:
        yield from ((mark.to, value, path, key) for mark in inner[1:] if isinstance(mark, Refers))
        yield from references(value, path, inner[0], key=key)
    elif kind in (Union, UnionType):
        for each in inner:
            yield from references(value, path, each, key=key)
    elif kind is tuple and isinstance(value, tuple):
        for place, part in enumerate(value):
            yield from references(part, (*path, place), inner[0])
    elif kind is dict and isinstance(value, dict):
        for name, part in value.items():
            yield from references(name, (*path, str(name)), inner[0], key=True)
            yield from references(part, (*path, str(name)), inner[1])


@cache
def _hints(form: type[Form]) -> list[tuple[str, str, Any]]:
    hints = get_type_hints(form, include_extras=True)
    return [(name, field.alias or name, hints[name]) for name, field in form.model_fields.items()]
