"""Property tests for authors of scenario files: a scenario run in ever new ways until something does not hold.

Three lines in a test file are enough:

>>> from escsim.testing import scenario_machine
>>> TestCrisis = scenario_machine("iran-pakistan-2024").TestCase

pytest then has Hypothesis try what chance and clocks allow; a run that breaks a `never` line, a shared status or an
invariant of one's own is shrunk, and told as a scenario file that can be replayed and drawn.
"""

from __future__ import annotations

try:
    import hypothesis as _hypothesis  # noqa: F401 -- only to say in plain words what is missing
except ImportError as error:
    raise ImportError("escsim.testing needs Hypothesis: pip install 'escsim[testing]'") from error

from escsim.testing.coverage import Coverage
from escsim.testing.machine import Broken, ScenarioMachine, View, scenario_machine
from escsim.testing.strategies import delays, interventions, ladders, scenarios, trajectories

__all__ = [
    "Broken",
    "Coverage",
    "ScenarioMachine",
    "View",
    "delays",
    "interventions",
    "ladders",
    "scenario_machine",
    "scenarios",
    "trajectories",
]
