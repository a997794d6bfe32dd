"""A scenario under changes, from a day on: what `Scenario.given`, `without` and `with_` give, to be simulated."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date as Day
from typing import TYPE_CHECKING, Any, Self

from escsim.errors import AskedError, quoted, suggest
from escsim.library import what_if
from escsim.scenario import Intervention, Scenario

if TYPE_CHECKING:
    from escsim.ensemble import Ensemble
    from escsim.trajectory import Trajectory


@dataclass(frozen=True)
class Variation:
    """A scenario under a what-if, or given its history before a day, or both.

    Attributes
    ----------
    scenario : Scenario
    intervention : Intervention or None
    day : datetime.date or None
    """

    scenario: Scenario
    intervention: Intervention | None = None
    day: Day | None = None

    def given(self, day: Day | str) -> Self:
        """Take the history before a day as given; raises `ValueError` if it lies outside the period."""
        return replace(self, day=self.scenario.period.day(day))

    def without(self, *events: str) -> Self:
        """Let events come to nothing."""
        return self.with_(remove=[*((self.intervention and self.intervention.remove) or ()), *events])

    def with_(self, name: str | None = None, /, **changes: Any) -> Self:
        """Change more: by the name of a what-if in the file, or by its keys.

        Parameters
        ----------
        name : str, optional
            A what-if in the file; it replaces what was changed before.
        **changes
            `remove`, `move`, `force`, `choose`, `set`, as in the `what_if` of a file; what is given for an event or choice
            replaces what was changed of it before.

        Raises
        ------
        ScenarioError
            If it would be refused in a file.
        ValueError
            If the file has no what-if of that name.

        Examples
        --------
        >>> from escsim import load
        >>> load("iran-pakistan-2024").with_(choose={"military_answer": "nothing"}).intervention.choose
        {'military_answer': 'nothing'}
        """
        known = self.scenario.what_if
        if name is not None and name not in known:
            raise AskedError(f"there is no what-if {quoted(name)}: {suggest(name, known, 'known what-if names')}")
        base = self.intervention if name is None else known[name]
        said = {} if base is None else base.model_dump(mode="json", by_alias=True, exclude_none=True)
        for key, value in changes.items():
            said[key] = {**said.get(key, {}), **value} if isinstance(value, dict) else value
        return replace(self, intervention=what_if(self.scenario, said))

    def simulate(self, n: int | None = None, seed: int | None = None, threads: int | None = None, **more: Any) -> Ensemble:
        """Run Monte Carlo variants; all that `Scenario.simulate` takes, less `intervention` and `given`."""
        return self.scenario.simulate(n, seed, threads, intervention=self.intervention, given=self.day, **more)

    def trajectory(self, i: int, seed: int | None = None) -> Trajectory:
        """Run trajectory i of a seed alone, on the readable stepper, held against the kernel."""
        from escsim import ensemble

        return ensemble.trajectory(self.scenario, i, seed=seed, intervention=self.intervention, given=self.day)
