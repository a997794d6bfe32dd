"""Escalation and de-escalation of diplomatic crises as state machines: replay, variants, explanations."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from escsim.effects import Comparison, effect
    from escsim.ensemble import Ensemble
    from escsim.errors import Place, Problem, ScenarioError
    from escsim.forecasts import forecast
    from escsim.library import load, what_if
    from escsim.scenario import Scenario
    from escsim.trajectory import Move, Step, Trajectory

__version__ = "0.1.0"
__all__ = [
    "Comparison",
    "Ensemble",
    "Move",
    "Place",
    "Problem",
    "Scenario",
    "ScenarioError",
    "Step",
    "Trajectory",
    "__version__",
    "effect",
    "forecast",
    "load",
    "what_if",
]


def __getattr__(name: str) -> Any:
    """Fetch a public name on first use, so that `escsim --help` imports nothing heavy."""
    for module in ("errors", "library", "scenario", "trajectory", "ensemble", "effects", "forecasts") if name in __all__ else ():
        found = import_module(f"escsim.{module}")
        if hasattr(found, name):
            return getattr(found, name)
    raise AttributeError(f"module 'escsim' has no attribute {name!r}")
