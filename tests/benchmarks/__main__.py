"""`python -m tests.benchmarks`: how fast the kernel is on this machine, and against what it replaces.

A report, not a test: it always ends with exit code 0. Everything is measured once a round, round after round, so that
the slow spells of a shared machine hit all alike; a ratio is taken within a round, and medians are taken last. One
thread is timed by the processor time of the process, several by the clock on the wall.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import numba
import numpy as np

import escsim
from escsim.ensemble import simulate
from escsim.running import usable_threads
from escsim.scenario import Scenario
from tests.benchmarks import rivals

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
SCENARIOS = {"w1": HERE / "w1.yaml", "w2": HERE / "w2.yaml", "iran-pakistan-2024": "iran-pakistan-2024", "large": HERE / "large.yaml"}
SIZES = {"w1": 1_000_000, "w2": 1_000_000, "iran-pakistan-2024": 500_000, "large": 100_000}  # trajectories a run: about 0.3 s on one thread
LOCK_STEPS: dict[str, rivals.LockStep] = {"masked": rivals.masked, "grouped": rivals.grouped}
CHUNKS = (5_000, 10_000, 20_000, 40_000, 80_000)  # of the lock-step, of which the best is taken
DAY = 30  # at whose end the rivals must agree with the kernel
COMMAND = ["-m", "escsim", "simulate", "iran-pakistan-2024", "-n", "10000", "--quiet"]

# The peak of a process counts that of the process it sprang from: so a small one starts the one that is measured.
STARTER = """
import resource, subprocess, sys
subprocess.run([sys.executable, "-c", sys.argv[1]], check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


class Samples:
    """What was measured, by name, once a round."""

    def __init__(self) -> None:
        self.of: dict[str, list[float]] = defaultdict(list)

    def add(self, name: str, value: float) -> float:
        """Keep a value, and give it back."""
        self.of[name].append(value)
        return value

    def median(self, name: str) -> float | None:
        """Give the median of what was measured, None if nothing was."""
        return float(np.median(self.of[name])) if self.of.get(name) else None

    def to_dict(self) -> dict[str, dict[str, float]]:
        """Give median, minimum, quartiles and number of everything."""
        shares = {"median": 0.5, "minimum": 0, "lower_quartile": 0.25, "upper_quartile": 0.75}
        return {
            name: {key: float(np.quantile(values, share)) for key, share in shares.items()} | {"rounds": len(values)}
            for name, values in self.of.items()
        }


def timed(call: Callable[[], Any]) -> tuple[Any, float, float]:
    """Give what a call gives, and its seconds by the processor and on the wall."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = call()
    return result, time.process_time() - cpu, time.perf_counter() - wall


def distance(counts: np.ndarray, n: int, others: np.ndarray, m: int) -> float:
    """Give how many standard errors two samples lie apart at most, in any status at the end of day 30."""
    one, other = counts[:, DAY - 1], others[:, DAY - 1]
    share = (one + other) / (n + m)
    return float(np.max(np.abs(one / n - other / m) / np.sqrt(np.maximum(share * (1 - share), 1e-12) * (1 / n + 1 / m))))


@contextmanager
def one_core() -> Iterator[None]:
    """Keep to one core, so that what runs on one thread is not moved about and slowed by a cold cache."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    usable = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(usable)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, usable)


class Agreement:
    """The counts of the kernel and of a rival, added up over the rounds."""

    def __init__(self) -> None:
        self.counts: list[Any] = [0, 0]
        self.n = [0, 0]

    def add(self, place: int, counts: np.ndarray, n: int) -> None:
        """Add a run of the kernel (0) or of the rival (1)."""
        self.counts[place] = self.counts[place] + counts
        self.n[place] += n

    def distance(self) -> float:
        """Give the distance of the two in standard errors."""
        return distance(self.counts[0], self.n[0], self.counts[1], self.n[1])


def best_chunk(rival: rivals.LockStep, draws: dict[str, rivals.Draw], n: int) -> int:
    """Give the number of trajectories at a time with which a lock-step is quickest."""
    return min(CHUNKS, key=lambda chunk: min(timed(lambda: rival(draws, n, 0, chunk))[1] for _ in range(3)))


def memory(n: int) -> float:
    """Give the most memory that a fresh process takes for W1, in MB."""
    code = f"import escsim, escsim.ensemble; escsim.ensemble.simulate(escsim.load({str(HERE / 'w1.yaml')!r}), {n})"
    done = subprocess.run([sys.executable, "-c", STARTER, code], cwd=ROOT, env=environment(), capture_output=True, text=True, check=True)
    return int(done.stdout) * (1 if sys.platform == "darwin" else 1024) / 1e6


def environment(**more: str) -> dict[str, str]:
    """Give the environment for a process that imports escsim from this checkout."""
    return {**os.environ, "PYTHONPATH": str(ROOT), **more}


def command(cache: str) -> float | str:
    """Give the seconds that the whole command takes, or what it said if it failed."""
    done, _, wall = timed(
        lambda: subprocess.run([sys.executable, *COMMAND], cwd=ROOT, env=environment(NUMBA_CACHE_DIR=cache), capture_output=True, text=True)
    )
    return wall if done.returncode == 0 else (done.stderr.strip().splitlines() or ["no message"])[0]


class Benchmark:
    """All measurements."""

    def __init__(self, rounds: int, quick: bool) -> None:
        self.rounds = rounds
        self.part = 10 if quick else 1
        self.samples = Samples()
        self.threads = [t for t in (1, 2, 4) if t == 1 or t <= usable_threads()]
        self.scenarios = {name: escsim.load(place) for name, place in SCENARIOS.items()}
        self.draws = {"w1": rivals.draws_of_w1(), "w2": rivals.draws_of_w2()}
        self.chunk: dict[str, int] = {}
        self.agreements: dict[str, Agreement] = defaultdict(Agreement)
        self.many = 10**7 // self.part
        self.failure = ""
        self.load = [os.getloadavg()]

    def run(self, say: Callable[[str], None]) -> None:
        """Measure everything."""
        say("warming up")
        for scenario in self.scenarios.values():
            simulate(scenario, 2000, threads=1)
        rivals.philox(1)
        for name, draws in self.draws.items():
            for style, rival in LOCK_STEPS.items():
                self.chunk[f"NumPy, {style}, on {name}"] = best_chunk(rival, draws, max(CHUNKS) // (self.part // 2 or 1))
        say(f"memory at n = {self.many:,}")
        self.samples.add("memory, MB", memory(self.many))
        with tempfile.TemporaryDirectory() as cache:
            say("the whole command, nothing compiled")
            self.command("first run, s", cache)
            for number in range(self.rounds):
                say(f"round {number + 1} of {self.rounds}")
                self.round(number)
                if number < 5:
                    self.command("second run, s", cache)
        self.load.append(os.getloadavg())

    def command(self, name: str, cache: str) -> None:
        """Time the whole command, unless it has failed before."""
        if not self.failure:
            found = command(cache)
            if isinstance(found, str):
                self.failure = found
            else:
                self.samples.add(name, found)

    def round(self, seed: int) -> None:
        """Measure everything once."""
        add = self.samples.add
        for name, scenario in self.scenarios.items():
            times = 20_000 // self.part
            with one_core():
                cpu = timed(lambda times=times: rivals.philox(times, seed))[1]
            block = add("bare Philox, ns a block", cpu / times / rivals.BLOCK * 1e9)
            event, activation = self.kernel(name, scenario, seed)
            add(f"{name}: activation / bare Philox block", activation / block)
            if name == "w1":
                self.rival("transitions on w1", 500 // self.part, lambda n: rivals.transitions_loop(n, seed), event)
            for style, rival in LOCK_STEPS.items() if name in self.draws else ():
                run = partial(rival, self.draws[name], seed=seed, chunk=self.chunk[f"NumPy, {style}, on {name}"])
                self.rival(f"NumPy, {style}, on {name}", max(CHUNKS) // (self.part // 2 or 1), run, event)

    def rival(self, name: str, n: int, run: Callable[[int], tuple[np.ndarray, int]], kernel: float) -> None:
        """Measure a rival against what the kernel has just needed for an event."""
        with one_core():
            (counts, fired), cpu, _ = timed(lambda: run(n))
        self.samples.add(f"{name} / kernel", self.samples.add(f"{name}: ns an event", cpu / fired * 1e9) / kernel)
        self.agreements[name].add(1, counts, n)

    def kernel(self, name: str, scenario: Scenario, seed: int) -> tuple[float, float]:
        """Measure the kernel on every number of threads, and give the ns an event and an activation on one."""
        n = SIZES[name] // self.part
        first: dict[str, float] = {}
        for threads in self.threads:
            with one_core() if threads == 1 else nullcontext():
                ensemble, cpu, wall = timed(lambda threads=threads: simulate(scenario, n, seed=seed, threads=threads))
            fired, active = int(ensemble.firings.sum()), ensemble.armings + ensemble.decisions
            seconds = cpu if threads == 1 else wall
            first = first or {"seconds": seconds, "wall": wall, "event": seconds / fired * 1e9, "activation": seconds / active * 1e9}
            what = {
                "ns an event": seconds / fired * 1e9,
                "ns an activation": seconds / active * 1e9,
                "activations an event": active / fired,
                "events a trajectory": fired / n,
                "trajectories a second": n / seconds,
                "speed-up": first["seconds"] / seconds,
                "speed-up by the wall": first["wall"] / wall,
            }
            for key, value in what.items():
                self.samples.add(f"{name}, threads {threads}: {key}", value)
        for rival in (f"transitions on {name}", *(f"NumPy, {style}, on {name}" for style in LOCK_STEPS)):
            self.agreements[rival].add(0, ensemble.counts[0], n)
        return first["event"], first["activation"]

    def gates(self) -> list[dict[str, Any]]:
        """Give what should hold: what it is, the bound, the median, and whether it holds."""
        found: list[dict[str, Any]] = []

        def gate(what: str, name: str, bound: float, unit: str, most: bool = True) -> None:
            value = self.samples.median(name)
            holds = None if value is None else value <= bound if most else value >= bound
            found.append({"gate": what, "bound": f"{'<=' if most else '>='} {bound:g} {unit}".rstrip(), "measured": value, "holds": holds})

        for name in ("w1", "w2"):
            gate(f"{name}: an event", f"{name}, threads 1: ns an event", 24, "ns")
        for name in self.scenarios:
            gate(f"{name}: an activation", f"{name}, threads 1: ns an activation", 20, "ns")
        for name in ("w1", "w2"):
            gate(f"{name}: an activation against a bare Philox block", f"{name}: activation / bare Philox block", 6, "x")
        gate("w1: as fast as the transitions loop", "transitions on w1 / kernel", 300, "x", most=False)
        for name in ("w1", "w2"):
            gate(f"{name}: faster than a plain NumPy lock-step", f"NumPy, masked, on {name} / kernel", 2.5, "x", most=False)
        for name in self.scenarios:
            gate(f"{name}: two threads against one", f"{name}, threads 2: speed-up", 1.8, "x", most=False)
        gate("the whole command, second run", "second run, s", 0.8, "s")
        gate(f"memory of w1 with n = {self.many:,}", "memory, MB", 400, "MB")
        return found

    def to_dict(self) -> dict[str, Any]:
        """Give all as data for JSON."""
        return {
            "machine": {
                "processor": processor(),
                "processors": os.cpu_count(),
                "usable": usable_threads(),
                "system": platform.platform(),
                "python": platform.python_version(),
                "numba": numba.__version__,
                "numpy": np.__version__,
                "load": self.load,
            },
            "rounds": self.rounds,
            "quick": self.part > 1,
            "trajectories": {name: n // self.part for name, n in SIZES.items()},
            "chunk": self.chunk,
            "measured": self.samples.to_dict(),
            "agreement": {rival: each.distance() for rival, each in self.agreements.items() if each.n[1]},
            "command_failed": self.failure or None,
            "gates": self.gates(),
        }

    def table(self) -> str:
        """Give all as text."""
        median = self.samples.median
        loads = [" ".join(f"{each:.2f}" for each in load) for load in self.load]
        lines = [
            f"escsim benchmarks, medians of {self.rounds} rounds{' (quick: a trial run, not to be quoted)' if self.part > 1 else ''}",
            f"{processor()}, {os.cpu_count()} processors; Python {platform.python_version()}, numba {numba.__version__}, numpy {np.__version__}",
            f"load average {loads[0]} at the start, {loads[-1]} at the end",
        ]
        if self.threads[-1] < 4:
            lines.append(f"{' and '.join(str(t) for t in (2, 4) if t not in self.threads)} threads are not measured: too few processors")
        form = "{:<19}{:>8}{:>10}{:>15}{:>14}{:>13}{:>17}{:>10}"
        head = ("threads", "ns/event", "ns/activation", "activ./event", "events/traj.", "trajectories/s", "speed-up")
        lines += ["", form.format("kernel", *head)]
        for name in self.scenarios:
            for threads in self.threads:
                at = f"{name}, threads {threads}: "
                keys = ("ns an event", "ns an activation", "activations an event", "events a trajectory", "trajectories a second", "speed-up")
                row = [_number(median(at + key)) for key in keys]
                lines.append(form.format(name if threads == 1 else "", threads, *row[:-1], row[-1] if threads > 1 else "").rstrip())
        block = median("bare Philox, ns a block")
        ratios = ", ".join(f"{name} {_number(median(f'{name}: activation / bare Philox block'))} x" for name in self.scenarios)
        lines += ["", f"bare Philox4x32-10: {_number(block)} ns a block", f"  an activation of the kernel is: {ratios}", "", "rivals (one thread)"]
        for rival, agreement in self.agreements.items():
            if agreement.n[1]:
                chunk = f" ({self.chunk[rival]:,} at a time)" if rival in self.chunk else ""
                times = f"{_number(median(f'{rival}: ns an event')):>6} ns/event, kernel {_number(median(f'{rival} / kernel'))} x as fast"
                far = agreement.distance()
                lines.append(f"  {rival + chunk:<41}{times}; {far:.1f} standard errors apart{'' if far <= 5 else ': THEY DISAGREE'}")
        lines += ["", "whole processes", f"  w1 with n = {self.many:,}: {_number(median('memory, MB'))} MB at most"]
        if self.failure:
            lines.append(f"  escsim simulate iran-pakistan-2024 -n 10000 failed: {self.failure}"[:110])
        else:
            runs = f"first run {_number(median('first run, s'))} s (nothing compiled), second {_number(median('second run, s'))} s"
            lines.append(f"  escsim simulate iran-pakistan-2024 -n 10000: {runs}")
        lines += ["", "{:<62}{:>12}{:>12}  {}".format("gate", "bound", "measured", "holds")]
        for gate in self.gates():
            holds = {True: "yes", False: "NO", None: "not measured"}[gate["holds"]]
            lines.append(f"{gate['gate']:<62}{gate['bound']:>12}{_number(gate['measured']):>12}  {holds}")
        return "\n".join(lines)


def processor() -> str:
    """Give the name of the processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description="How fast the kernel is, and against what it replaces.")
    parser.add_argument("--quick", action="store_true", help="a trial run: a tenth of the work in three rounds")
    parser.add_argument("--rounds", type=int, help="how often everything is measured; 11 by default")
    parser.add_argument("--json", action="store_true", help="data instead of text, with minimum and quartiles")
    options = parser.parse_args()
    benchmark = Benchmark(max(1, options.rounds or (3 if options.quick else 11)), options.quick)
    benchmark.run(lambda line: print(line, file=sys.stderr, flush=True) if sys.stderr.isatty() else None)
    print(json.dumps(benchmark.to_dict(), indent=2) if options.json else benchmark.table())


if __name__ == "__main__":
    main()
