"""Escalation and de-escalation of diplomatic crises as state machines: replay, variants, explanations."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from escsim.ensemble import Ensemble
    from escsim.errors import Place, Problem, ScenarioError
    from escsim.library import load
    from escsim.scenario import Scenario
    from escsim.trajectory import Move, Step, Trajectory

__version__ = "0.1.0"
__all__ = ["Ensemble", "Move", "Place", "Problem", "Scenario", "ScenarioError", "Step", "Trajectory", "__version__", "load"]


def __getattr__(name: str) -> Any:
    """Fetch a public name on first use, so that `escsim --help` imports nothing heavy."""
    for module in ("errors", "library", "scenario", "trajectory", "ensemble") if name in __all__ else ():
        found = import_module(f"escsim.{module}")
        if hasattr(found, name):
            return getattr(found, name)
    raise AttributeError(f"module 'escsim' has no attribute {name!r}")
