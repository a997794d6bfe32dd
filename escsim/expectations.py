"""Whether a scenario passes its own test: each `expect` beside a question decided exactly, or by a sequential test on variants.

Wald's sequential probability ratio test (1945, Annals of Mathematical Statistics 16(2), 117-186) looks at one variant after the
other, in their order, until what it has seen is 99 times likelier on one side of the bound than on the other. It is wrong at most
once in a hundred times, if the probability is not within `WITHIN` of the bound; nearer than that either answer will do. So a test
takes as few variants as it can, and comes to the same end on every machine.
"""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from escsim import exact
from escsim.ensemble import variants
from escsim.intervals import Estimate, wilson
from escsim.process import compile_scenario
from escsim.questions import holds
from escsim.scenario import Condition, Scenario

WITHIN = 0.01  # of the bound: where it does not matter
WRONG = 0.01  # how often either answer may be wrong
MOST = 100_000  # variants, after which it stays undecided

COMPARED = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


@dataclass(frozen=True)
class Verdict:
    """What became of an expectation.

    Attributes
    ----------
    question, expect : str
        The name of the question, and what is expected, as the file writes it.
    says : str
        "holds", "fails", or "undecided" when the variants were used up.
    exact : float or None
        The probability, if it could be worked out.
    n : int
        Variants looked at; 0 if it was worked out.
    share : Estimate or None
        Of these, the share with its 95 % interval. It is what a test saw when it stopped, which is not quite a fair sample.
    """

    question: str
    expect: str
    says: str
    exact: float | None
    n: int
    share: Estimate | None

    def to_dict(self) -> dict[str, Any]:
        """Give it as plain data for JSON."""
        share = None if self.share is None else self.share._asdict()
        return {"question": self.question, "expect": self.expect, "says": self.says, "exact": self.exact, "n": self.n, "share": share}


def verdicts(scenario: Scenario, n: int = MOST, seed: int | None = None) -> list[Verdict]:
    """Decide every expectation of a scenario.

    Parameters
    ----------
    scenario : Scenario
    n : int
        Variants after which a test gives up.
    seed : int, optional
        By default the file's.

    Raises
    ------
    ScenarioError
        As `Scenario.simulate` does.
    """
    asked = {name: question for name, question in scenario.questions.items() if question.expect is not None}
    solved = exact.beside(scenario) if asked else None
    found = []
    for name, question in asked.items():
        assert question.expect is not None
        assert question.probability is not None
        known = None if solved is None else solved.answer(scenario, question)
        if known is not None:
            says = "holds" if COMPARED[_sign(question.expect)](round(known, 9), _bound(question.expect)) else "fails"  # the chain is solved to 1e-12
            found.append(Verdict(name, question.expect, says, known, 0, None))
        else:
            found.append(_tested(scenario, name, question.expect, question.probability, n, scenario.variants.seed if seed is None else seed))
    return found


def _sign(expect: str) -> str:
    return expect.rstrip("0123456789. ")


def _bound(expect: str) -> float:
    return float(expect.lstrip("<>= "))


def _tested(scenario: Scenario, name: str, expect: str, asked: Condition, n: int, seed: int) -> Verdict:
    """Look at variants one by one until the test can tell."""
    above = _sign(expect).startswith(">")
    seen, count, said = 0, 0, "undecided"
    ratio = 0.0
    for worlds in variants(scenario, compile_scenario(scenario), n, seed):
        came = holds(worlds, asked)
        path = ratio + np.cumsum(steps(came, _bound(expect)))
        stops = np.flatnonzero(np.abs(path) >= math.log((1 - WRONG) / WRONG))
        upto = int(stops[0]) + 1 if stops.size else worlds.n
        seen, count, ratio = seen + upto, count + int(came[:upto].sum()), float(path[upto - 1])
        if stops.size:
            said = "holds" if (ratio > 0) == above else "fails"
            break
    return Verdict(name, expect, said, None, seen, wilson(count, seen))


def steps(came: NDArray[np.bool_], bound: float) -> NDArray[np.float64]:
    """Give what each variant adds to the logarithm of how much likelier it all is above the bound than below."""
    high, low = min(1.0, bound + WITHIN), max(0.0, bound - WITHIN)
    yes = math.log(high / low) if low else math.inf
    no = math.log((1 - high) / (1 - low)) if high < 1 else -math.inf
    return np.where(came, yes, no)
