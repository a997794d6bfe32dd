"""Results of variants as files, JSON, CSV or Parquet, each with its provenance: all it takes to make the very same again."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from escsim import __version__, files
from escsim.ensemble import Ensemble, Progress
from escsim.explain import SAMPLE, Reasons
from escsim.process import compile_scenario, digest
from escsim.questions import METHODS, Answer
from escsim.reading import parse
from escsim.scenario import Scenario

if TYPE_CHECKING:
    import pandas as pd

    from escsim.exact import Exact

SUFFIXES = (".json", ".csv", ".parquet")
QUARTILES = ("lower quartile", "median", "upper quartile")


def provenance(scenario: Scenario, n: int, seed: int, command: str) -> dict[str, Any]:
    """Give all that a result depends on; a run that is stopped has another `n`."""
    text = scenario.text
    if not text or "extends" in parse(text, scenario.name).root.plain():  # what the file says, with what it extends
        text = json.dumps(scenario.model_dump(mode="json", by_alias=True, exclude_none=True), ensure_ascii=False, indent=1)
    return {
        "command": command,
        "n": n,
        "wanted": n,
        "seed": seed,
        "escsim": __version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
        "process": digest(compile_scenario(scenario)),
        "hash": scenario.hash,
        "scenario": scenario.name,
        "text": text,
    }


def occupied(result: list[Path], origin: dict[str, Any]) -> list[Path]:
    """Give the files that are in the way of a result, none if they are from the same command, which may have been stopped."""
    there = [path for path in result if os.path.lexists(path)]
    found: Any = {}
    try:
        if result[0].suffix == ".parquet":
            import pyarrow.parquet as pq

            found = json.loads(pq.read_schema(result[0]).metadata[b"escsim"])
        else:
            found = json.loads(result[-1].read_bytes())
            found = found["provenance"] if len(result) == 1 else found
        same = {**found, "n": None} == {**origin, "n": None}
    except (OSError, ValueError, KeyError, TypeError):
        same = False
    return [] if same else there


def paths(path: Path) -> list[Path]:
    """Name the files that make up a result."""
    if path.suffix == ".json":
        return [path]
    more = [path.with_name(f"{path.stem}-{name}{path.suffix}") for name in ("events", "questions")]
    return [path, *more, *([path.with_name(f"{path.stem}.provenance.json")] if path.suffix == ".csv" else [])]


def to_dict(ensemble: Ensemble, answers: dict[str, Answer], solved: Exact | None = None, reasons: Reasons | None = None) -> dict[str, Any]:
    """Give an ensemble and its answers as plain data for JSON; the keys are documented in the README."""
    data = ensemble.to_dict()
    for event, causes in (reasons or {}).items():
        told = [{"fate": fate, "cause": cause, "variants": count} for (fate, cause), count in causes.most_common()]
        data["events"][event]["because"] = {"of": min(SAMPLE, ensemble.n), "causes": told}
    if solved is not None:
        shares = solved.told(solved.occupancy)
        data["exact"] = {mission: shares[mission] for mission in ensemble.scenario.missions}
    questions = ensemble.scenario.questions
    return data | {"questions": {name: {"text": questions[name].text, **each.to_dict()} for name, each in answers.items()}}


def contents(path: Path, ensemble: Ensemble, answers: dict[str, Answer], solved: Exact | None, origin: dict[str, Any]) -> dict[Path, bytes]:
    """Lay a result out in one of the `SUFFIXES`.

    Returns
    -------
    dict of Path to bytes
        JSON is one file. Of CSV and Parquet there are three: the occupancy, and beside it the fates of the events (`-events`) and
        the answers (`-questions`). Parquet holds the provenance in its metadata; CSV, which has no place for it, in a fourth.
    """
    origin = {**origin, "n": ensemble.n}
    if path.suffix == ".json":
        return {path: files.as_json({**to_dict(ensemble, answers, solved), "provenance": origin})}
    tables = (ensemble.occupancy(), _fates(ensemble), _questions(answers))
    lay = _parquet if path.suffix == ".parquet" else _csv
    found = {each: lay(table, origin) for each, table in zip(paths(path), tables, strict=False)}
    return found if path.suffix == ".parquet" else {**found, paths(path)[-1]: files.as_json(origin)}


def _csv(table: pd.DataFrame, origin: dict[str, Any]) -> bytes:  # noqa: ARG001
    return table.to_csv(index=False, lineterminator="\n").encode()


def _parquet(table: pd.DataFrame, origin: dict[str, Any]) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    data = BytesIO()
    pq.write_table(pa.Table.from_pandas(table, preserve_index=False).replace_schema_metadata({"escsim": json.dumps(origin)}), data)
    return data.getvalue()


def _fates(ensemble: Ensemble) -> pd.DataFrame:
    import pandas as pd

    rows = [(event, fate, *share) for event in ensemble.scenario.order for fate, share in ensemble.fate(event).items()]
    return pd.DataFrame(rows, columns=["event", "fate", "share", "low", "high"])


def _questions(answers: dict[str, Answer]) -> pd.DataFrame:
    import pandas as pd

    rows = []
    for name, told in answers.items():
        replay = ("no", "yes")[told.replay] if isinstance(told.replay, bool) else "" if told.replay is None else str(told.replay)
        for measure, each, method in _measures(told):
            unit = "share" if method == METHODS["share"] else "times" if told.kind == "count" else "days"
            exact = told.exact if measure in ("probability", "mean") else None
            rows.append((name, told.kind, told.asked, measure, unit, *each, method, exact, replay))
    columns = ["question", "kind", "asked", "measure", "unit", "estimate", "low", "high", "method", "exact", "replay"]
    return pd.DataFrame(rows, columns=columns).astype(dict.fromkeys(("estimate", "low", "high", "exact"), "float64"))


def _measures(told: Answer) -> Iterator[tuple[str, tuple[float | None, ...], str]]:
    """Give every number of an answer with its interval, and how that is made."""
    nothing = (None, None, None)
    main = (told.estimate, told.low, told.high)
    if told.kind == "probability":
        yield "probability", main, told.method
    if told.kind in ("time_in", "time_to"):
        low, _, high = told.quartiles or nothing
        yield from ((name, each or nothing, told.method) for name, each in zip(QUARTILES, (low, main, high), strict=True))
    if told.mean is not None:
        yield "mean", told.mean, METHODS["mean"]
    for name, share in (told.shares or {}).items():
        yield name, share, METHODS["share"]


def write_events(path: Path, ensemble: Ensemble, origin: dict[str, Any], threads: int | None = None, progress: Progress | None = None) -> None:
    """Write every firing in every trajectory to a Parquet file, a chunk at a time: whole or not at all."""
    import pyarrow.parquet as pq

    batches = ensemble.event_batches(threads, progress)
    first = next(batches)
    schema = first.schema.with_metadata({"escsim": json.dumps({**origin, "n": ensemble.n})})
    with files.whole(path) as file, pq.ParquetWriter(file, schema, compression="zstd", use_dictionary=["event"]) as writer:
        writer.write_batch(first)
        for batch in batches:
            writer.write_batch(batch)
