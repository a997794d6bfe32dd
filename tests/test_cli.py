"""The command line as a user meets it: what it prints where, with which exit code, and what it leaves on the disk."""

from __future__ import annotations

import io
import json
import os
import pty
import re
import resource
import select
import signal
import subprocess
import sys
import time
import types
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator

import escsim
from escsim import cli, library
from escsim.style import Picture
from escsim.trajectory import Trajectory
from tests.conftest import ROOT, SMALL, Told, environment

Run = Callable[..., Told]
NAMES = ["iran-pakistan-2024", "iraq-iran-2024", "saudi-iran-2016"]
COMMANDS = [
    "check",
    "exact",
    "import",
    "list",
    "new",
    "page",
    "plot",
    "replay",
    "run",
    "schema",
    "selfcheck",
    "sensitivity",
    "serve",
    "show",
    "simulate",
    "test",
    "whatif",
    "why",
]
MODELINE = "# yaml-language-server: $schema=escsim.schema.json\n# $schema: escsim.schema.json\n"


@pytest.fixture
def sketch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pictures be made of a few bytes, where a test is not about pictures."""
    plots = types.ModuleType("escsim.plots")

    def drawn(kind: str, run: Trajectory, paper: bool) -> Picture:
        return Picture(f"{kind} {run.scenario.hash} {paper}", f"The {kind} of {run.scenario.title}.", [])  # type: ignore[arg-type]

    vars(plots).update(
        PICTURES={kind: lambda run, paper=False, kind=kind: drawn(kind, run, paper) for kind in ("trajectory", "diagram")},
        render=lambda figure, suffix, said: f"{figure} as {suffix}: {said}".encode(),
    )
    monkeypatch.setitem(sys.modules, "escsim.plots", plots)
    monkeypatch.setattr(escsim, "plots", plots, raising=False)


def tree(folder: Path) -> dict[str, bytes]:
    """Give all files under a folder."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


# What a newcomer sees


def test_without_a_command_there_is_help_and_what_ships(process: Run) -> None:
    told = process()
    assert told == (
        0,
        """\
Usage: python -m escsim [OPTIONS] [COMMAND] [ARGS]...

  Replay and vary diplomatic crises told as scenario files, with the reason for every step.

  S is a file, or the name of a scenario that ships with escsim.

  escsim run iran-pakistan-2024         all of it: summary, pictures and data under out/
  escsim replay iran-pakistan-2024      what happened, event by event
  escsim simulate iran-pakistan-2024    how else it could have gone, and how often
  escsim page iran-pakistan-2024        a lesson for a class, in one HTML file
  escsim new my-crisis                  a file to start from, then: escsim check my-crisis.yaml

Options:
  --version   Show the version and exit.
  --debug     Show the traceback of a fault of escsim's own.
  -h, --help  Show this message and exit.

Commands:
  check        Say all that is wrong with each S, and what is odd about it.
  compare      Compare two scenarios, such as two codings of one crisis.
  exact        Solve S exactly, if it is a Markov chain.
  forecast     Forecast S from one morning after another.
  import       Make the skeleton of a scenario from event data in FILE.
  list         List the scenarios, actions, ladders or base rates that ship.
  new          Write a small commented scenario to start from.
  page         Make a lesson of S, in one HTML file.
  plot         Draw S: its trajectory, its ladder, or its variants.
  rates        Tell how long absences and answers took in each S.
  replay       Tell what happened in S, event by event.
  run          Do all that S asks for, and write it up.
  schema       Print the JSON Schema of scenario files, for editors.
  selfcheck    Hold escsim's answers against published ones.
  sensitivity  Tell which of the ranges that S states move an answer.
  serve        Show the lesson of S while S is edited.
  show         Describe S: missions, ladder, events, choices, limits.
  simulate     Run Monte Carlo variants of S.
  test         Run S in ever new ways until something does not hold.
  whatif       Compare the variants of S with their twins under a what-if.
  why          Explain what happened in S on DATE, and what did not.

Scenarios that ship with escsim:
  algeria-france-2021, algeria-morocco-2021, canada-india-2023,
  india-pakistan-2019, iran-pakistan-2024, iraq-iran-2024, israel-turkey-2010,
  israel-turkey-2018, italy-france-2019, japan-korea-2012, japan-korea-2017,
  morocco-spain-2021, netherlands-turkey-2017, russia-turkey-2015,
  saudi-canada-2018, saudi-iran-2016, spain-argentina-2024,
  thailand-cambodia-2009, uk-russia-2018, venezuela-colombia-us-2019
""",
        "",
    )


def test_the_version_is_told(escsim: Run) -> None:
    assert escsim("--version") == (0, "escsim 0.1.0\n", "")


@pytest.mark.parametrize("flag", ["-h", "--help"])
@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(escsim: Run, command: str, flag: str) -> None:
    told = escsim(command, flag)
    assert told.code == 0
    assert f"escsim {command} " in told.out.splitlines()[0]
    assert told.err == ""
    assert max(map(len, told.out.splitlines())) <= 100


HEAVY = """
import sys
from click.testing import CliRunner
from escsim import cli
runner = CliRunner()
for command in ([], *([name] for name in cli.cli.commands)):
    done = runner.invoke(cli.cli, [*command, "--help"])
    assert done.exit_code == 0
print(sorted({"numpy", "matplotlib", "pydantic", "yaml", "transitions", "pandas", "numba", "scipy", "pyarrow", "distributed"} & set(sys.modules)))
"""


def test_help_imports_nothing_heavy() -> None:
    """So that it comes at once."""
    done = subprocess.run([sys.executable, "-c", HEAVY], env=environment(), capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "[]\n"


def test_check_and_replay_import_no_plotting() -> None:
    program = "import sys; from escsim import cli; cli.cli(['replay', 'iran-pakistan-2024', '--why'], standalone_mode=False); "
    program += "sys.stderr.write(str(sorted({'matplotlib', 'numpy', 'pandas'} & set(sys.modules))))"
    done = subprocess.run([sys.executable, "-c", program], env=environment(), capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr.endswith("[]")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["replya"], "No such command 'replya'. Did you mean 'replay'?"),
        (["chekc", "x"], "No such command 'chekc'. Did you mean 'check'?"),
        (["frobnicate"], "No such command 'frobnicate'."),
        (["replay", "--whyy", "x"], "No such option '--whyy'. Did you mean '--why'?"),
        (["run", "x", "--jsno"], "No such option '--jsno'. Did you mean '--json'?"),
        (["replay"], "Missing argument 'S'."),
        (["check"], "Missing argument 'S...'."),
        (["new"], "Missing argument 'NAME'."),
        (["replay", "a", "b"], "Got unexpected extra argument (b)"),
        (["replay", "iran-pakistan-2042"], "there is no file and no shipped scenario 'iran-pakistan-2042'; did you mean 'iran-pakistan-2024'?"),
        (["show", "iraq-iran"], "there is no file and no shipped scenario 'iraq-iran'; did you mean 'iraq-iran-2024'?"),
        (["check", "nope.yaml"], "there is no file and no shipped scenario 'nope.yaml'; shipped scenarios: 'algeria-france-2021', "),
        (
            ["new", "x", "--from", "iran-pakistan-2023"],
            "there is no file and no shipped scenario 'iran-pakistan-2023'; did you mean 'iran-pakistan-2024'?",
        ),
        (
            ["plot", NAMES[0], "trajektory"],
            "Invalid value for 'KIND': 'trajektory' is not one of 'trajectory', 'events', 'diagram'",
        ),
        (["run", NAMES[0], "--format", "gif"], "Invalid value for '--format': 'gif' is not one of 'png', 'svg', 'pdf'."),
        (["plot", NAMES[0], "trajectory", "-o", "x.gif"], "cannot tell the format of 'x.gif'; give it one of the endings .png, .svg, .pdf"),
        (["plot", NAMES[0], "diagram", "-o", "x.yaml"], "cannot tell the format of 'x.yaml'; give it one of the endings .png, .svg, .pdf"),
        (["replay", NAMES[0], "--until", "2024-04-01"], "2024-04-01 lies outside the period, 2024-01-15 to 2024-03-31"),
        (["replay", NAMES[0], "--until", "2024-01-14"], "2024-01-14 lies outside the period, 2024-01-15 to 2024-03-31"),
        (["replay", NAMES[0], "--until", "2024-01-32"], "'2024-01-32' is no day; days are written YYYY-MM-DD, such as 2024-01-26"),
        (["replay", "."], ". is a folder, not a scenario file"),
    ],
)
def test_a_wrong_command_line_is_told_with_what_was_meant(escsim: Run, args: list[str], message: str) -> None:
    told = escsim(*args)
    assert told.code == 2
    assert told.out == ""
    assert told.err.startswith("Usage: ")
    assert re.sub(r"\s+", " ", told.err).rstrip().split("Error: ")[1].startswith(message)


def test_a_wrong_command_line_is_told_in_four_lines(process: Run) -> None:
    assert process("replya") == (
        2,
        "",
        "Usage: python -m escsim [OPTIONS] [COMMAND] [ARGS]...\nTry 'python -m escsim --help' for help.\n\n"
        "Error: No such command 'replya'. Did you mean 'replay'?\n",
    )


def test_a_bad_date_on_the_command_line_is_told_with_a_remedy(escsim: Run) -> None:
    told = escsim("replay", NAMES[0], "--until", "18 January")
    assert "'18 January' is no day" in told.err
    assert "YYYY-MM-DD" in told.err


def test_a_picture_without_an_ending_is_refused_in_plain_words(escsim: Run) -> None:
    told = escsim("plot", NAMES[0], "trajectory", "-o", "picture")
    assert told.code == 2
    assert told.err.endswith("Error: cannot tell the format of 'picture'; give it one of the endings .png, .svg, .pdf\n")


# Wrong files

BROKEN = SMALL.replace("recall_envoy, cite", "recal_envoy, cite").replace("delay: 1 day", "delay: 1 month")
BROKEN_SAYS = """\
broken.yaml:17:75: error: unknown action 'recal_envoy'
    did you mean 'recall_envoy'?
broken.yaml:21:72: error: events[5].delay: a length of time is wanted, not '1 month'
    months and years differ in length: say how many days
"""


@pytest.mark.parametrize("command", [["check"], ["replay"], ["show"], ["run"], ["simulate"], ["exact"], ["plot", "trajectory"]])
def test_all_faults_of_a_file_are_told_with_place_and_remedy(escsim: Run, command: list[str]) -> None:
    Path("broken.yaml").write_text(BROKEN, "utf-8")
    before = tree(Path())
    assert escsim(command[0], "broken.yaml", *command[1:]) == (1, "", BROKEN_SAYS)
    assert tree(Path()) == before


def test_a_history_that_is_no_run_of_its_model_is_told(escsim: Run) -> None:
    Path("moot.yaml").write_text(SMALL.replace("[return_envoy, normalise]", "normalise"), "utf-8")
    said = "moot.yaml:19:67: error: 'back' on 2024-01-07 moves no mission: AAA->BBB is envoys_recalled, which does not admit normalise\n"
    said += "    possible for AAA->BBB then: 'return_envoy', 'sever_relations'\n"
    assert escsim("replay", "moot.yaml") == (1, "", said)
    assert escsim("check", "moot.yaml") == (1, "", said)
    assert escsim("show", "moot.yaml").code == 0, "what is written can be looked at all the same"


BAD: dict[str, tuple[bytes, str]] = {
    "empty.yaml": (b"", "empty.yaml:1:1: error: the file is empty\n    `escsim new NAME` writes one to start from\n"),
    "comment.yaml": (b"# only this\n", "comment.yaml:1:1: error: the file is empty\n    `escsim new NAME` writes one to start from\n"),
    "utf16.yaml": ("title: x".encode("utf-16"), "utf16.yaml:1:1: error: the file is UTF-16\n    save it as UTF-8\n"),
    "latin.yaml": (b"title: x\nsummary: caf\xe9\n", "latin.yaml:2:13: error: this byte is not UTF-8\n    save the file as UTF-8\n"),
    "picture.png": (b"\x89PNG\r\n\x1a\n\0\0", "picture.png:1:1: error: this byte is not UTF-8\n    save the file as UTF-8\n"),
    "zeros.yaml": (bytes(99), "zeros.yaml:1:1: error: character U+0000 cannot stand in YAML\n    delete it\n"),
    "list.yaml": (b"- a\n", "list.yaml:1:1: error: the file must be a mapping, with lines such as `title: ...`\n"),
    "deep.yaml": (b"[" * 99, "deep.yaml:1:33: error: nested deeper than 32 levels\n"),
    "large.yaml": (b"#" * 1_000_001, "large.yaml:1:1: error: the file is larger than 1,000,000 bytes\n    split it, or shorten its texts\n"),
    "open.yaml": (
        b'title: "x',
        "open.yaml:1:8: error: not valid YAML: the quote opened here is not closed\n    the reader lost its way on line 1\n",
    ),
}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("command", ["check", "replay"])
def test_a_file_of_which_nothing_can_be_made_is_told_in_a_line_or_two(escsim: Run, command: str, name: str) -> None:
    Path(name).write_bytes(BAD[name][0])
    told = escsim(command, name)
    assert (told.code, told.out) == (1, "")
    assert told.err.startswith(BAD[name][1])
    assert "Traceback" not in told.err


@pytest.mark.parametrize("name", [*BAD, "folder", "missing.yaml", "a" * 300, "missing/" * 60])
@pytest.mark.parametrize("command", [["check"], ["replay"], ["show"], ["show", "--yaml"], ["run"], ["plot", "diagram"], ["new", "copy", "--from"]])
def test_no_input_whatever_gives_a_traceback(escsim: Run, command: list[str], name: str) -> None:
    if name in BAD:
        Path(name).write_bytes(BAD[name][0])
    Path("folder").mkdir()
    told = escsim("plot", name, "diagram") if command[0] == "plot" else escsim(*command, name)
    assert told.code in ((1, 2) if command[0] != "new" else (0, 1, 2))
    assert "Traceback" not in told.err
    assert "internal error" not in told.err


ENDLESS = """
import resource, sys
from escsim import cli
resource.setrlimit(resource.RLIMIT_AS, (2**31, 2**31))
sys.argv = ["escsim", *sys.argv[1:]]
cli.main()
"""


@pytest.mark.parametrize("name", ["/dev/zero", "pipe"])
@pytest.mark.parametrize("command", ["check", "new"])
def test_no_input_without_an_end_takes_all_memory_or_for_ever(tmp_path: Path, command: str, name: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    args = [sys.executable, "-c", ENDLESS, *(["new", "copy", "--from"] if command == "new" else [command]), name]
    done = subprocess.run(args, cwd=tmp_path, env=environment(), capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "internal error" not in done.stderr
    assert not (tmp_path / "copy.yaml").exists()


def test_a_file_that_may_not_be_read_is_told_in_a_line(powerless: Run, small: Path) -> None:
    small.chmod(0)
    assert powerless("replay", "small.yaml") == (1, "", "escsim: error: Permission denied: small.yaml\n")


def test_check_goes_on_after_a_file_that_may_not_be_read(powerless: Run, small: Path) -> None:
    small.chmod(0)
    told = powerless("check", "small.yaml", NAMES[1])
    assert told.code == 1
    assert "small.yaml" in told.err
    assert f"{NAMES[1]}.yaml: in order" in told.out


# check

ORDERLY = (
    SMALL.replace("unless: talks, delay: 2 days", "unless: talks, delay: {exponential: {mean: 2 days}}") + "unresolved: {BBB->AAA: envoys_recalled}\n"
)


@pytest.fixture
def orderly(small: Path) -> Path:
    """Give the small scenario without what is odd about it."""
    small.write_text(ORDERLY, "utf-8")
    return small


UNUSED = (
    "    of the ladder 'simple' no run comes to 'downgraded', 'severed'; "
    "no event does 'downgrade_relations', 'upgrade_relations', 'bar_envoy', 'sever_relations'\n"
)


def test_check_says_what_was_found_in_order(escsim: Run, orderly: Path) -> None:
    assert escsim("check", "small.yaml") == (
        0,
        "small.yaml: in order: 4 dated events replay, 2 might have happened, 2 missions, 8 states, all that there are\n" + UNUSED,
        "",
    )
    assert escsim("check", "small.yaml", "-q") == (0, "", "")
    told = escsim("check", *NAMES[1:])
    assert told.code == 0
    assert [line.split(": in order: ")[0] for line in told.out.splitlines() if line[0] != " "] == [str(library.shipped()[name]) for name in NAMES[1:]]


def test_check_goes_through_all_files(escsim: Run, orderly: Path) -> None:
    Path("broken.yaml").write_text(BROKEN, "utf-8")
    told = escsim("check", "broken.yaml", "small.yaml")
    assert (told.code, told.err) == (1, BROKEN_SAYS)
    assert told.out.startswith("small.yaml: in order: ")


def test_check_gives_the_faults_as_json(escsim: Run, orderly: Path) -> None:
    Path("broken.yaml").write_text(BROKEN, "utf-8")
    told = escsim("check", "broken.yaml", "small.yaml", "--json")
    assert (told.code, told.err) == (1, "")
    found = json.loads(told.out)
    (unused,) = found[1]["explored"]["findings"]
    assert found == [
        {
            "scenario": "broken.yaml",
            "ok": False,
            "problems": [
                {
                    "file": "broken.yaml",
                    "line": 17,
                    "column": 75,
                    "message": "unknown action 'recal_envoy'",
                    "remedy": "did you mean 'recall_envoy'?",
                },
                {
                    "file": "broken.yaml",
                    "line": 21,
                    "column": 72,
                    "message": "events[5].delay: a length of time is wanted, not '1 month'",
                    "remedy": "months and years differ in length: say how many days",
                },
            ],
            "explored": None,
        },
        {"scenario": "small.yaml", "ok": True, "problems": [], "explored": {"states": 8, "whole": True, "findings": [unused]}},
    ]
    assert (unused["kind"], unused["line"]) == ("unused", 11)


def test_check_says_what_is_odd_and_how_far_it_looked(escsim: Run, small: Path) -> None:
    told = escsim("check", "small.yaml")
    assert (told.code, told.out) == (1, "")
    assert told.err == (
        "small.yaml:20:5: finding: 'answer' can never happen: before its time comes something else always shuts its gate or bars it\n"
        "    give it a shorter delay, or a wider `while`\n"
        "small.yaml:21:5: finding: 'march' can never happen: it follows 'answer', which never happens\n"
        "    correct what it follows\n"
        "small.yaml: 4 dated events replay, 2 might have happened, 2 missions, 5 states, all that there are\n" + UNUSED
    )
    (found,) = json.loads(escsim("check", "small.yaml", "--json").out)
    assert [each["kind"] for each in found["explored"]["findings"]] == ["unused", "event", "event"]
    bounded = escsim("check", "small.yaml", "--max-states", 2)
    assert bounded.code == 0
    assert "3 states looked at and more to come, so that of AAA->BBB, BBB->AAA it is not settled what never happens (--max-states)" in bounded.out


def test_a_remark_is_no_finding(escsim: Run, orderly: Path) -> None:
    orderly.write_text(ORDERLY.replace("follows: talks, cite: paper}", "follows: talks, while: {AAA->BBB: envoys_recalled}, cite: paper}"), "utf-8")
    told = escsim("check", "small.yaml")
    assert told.code == 0
    assert "small.yaml:19:117: remark: the `while` of 'back' never matters: whenever it is called, it holds\n" in told.err
    assert escsim("check", "small.yaml", "-q") == (0, "", "")


BREAKS = ORDERLY + "never:\n  - {AAA->BBB: envoys_recalled, BBB->AAA: envoys_recalled}\n"


def test_the_run_that_breaks_a_never_line_is_written_as_a_scenario_that_replays(escsim: Run, small: Path) -> None:
    small.write_text(BREAKS, "utf-8")
    told = escsim("check", "small.yaml", "-o", "broken.yaml")
    assert told.code == 1
    assert "small.yaml:24:5: finding: some run breaks it: AAA->BBB 'envoys_recalled' and BBB->AAA 'envoys_recalled' from 2024-01-0" in told.err
    assert "broken.yaml  next: escsim replay broken.yaml --why" in told.err
    replayed = escsim("replay", "broken.yaml", "-q")
    assert replayed.code == 0
    assert "BBB->AAA normal -> envoys_recalled (recall_envoy)" in replayed.out
    assert escsim("plot", "broken.yaml", "trajectory", "-o", "broken.svg").code == 0
    again = escsim("check", "broken.yaml")
    assert again.code == 1
    assert "small.yaml:24:5: error: from 2024-01-0" in again.err
    assert "the replay of broken.yaml is where no run may be" in again.err
    before = Path("broken.yaml").read_bytes()
    assert escsim("check", "small.yaml", "-o", "broken.yaml").code == 1
    assert Path("broken.yaml").read_bytes() == before


@pytest.mark.parametrize("command", [["check"], ["test", "--seed", "1"]])
def test_a_run_is_not_written_over_what_it_extends(escsim: Run, small: Path, command: list[str]) -> None:
    small.write_text(BREAKS, "utf-8")
    Path("more.yaml").write_text("extends: small.yaml\ntitle: More\n", "utf-8")
    Path("link.yaml").symlink_to("small.yaml")
    for target in ("small.yaml", "more.yaml", "link.yaml", "more.txt"):
        assert escsim(*command, "more.yaml", "-o", target, "--force").code == 2
    assert small.read_text("utf-8") == BREAKS


@pytest.mark.parametrize("command", ["check", "test"])
@pytest.mark.parametrize("data", [b"extends: small.yaml\ntitle: Round\n", b"title: \xff\n", b""])
def test_a_file_that_cannot_be_read_is_told_before_a_place_is_looked_at(escsim: Run, small: Path, command: str, data: bytes) -> None:
    small.write_bytes(data)
    told = escsim(command, "small.yaml", "-o", "broken.yaml")
    assert (told.code, told.out) == (1, "")
    assert told.err.startswith("small.yaml:1:")
    assert not Path("broken.yaml").exists()


def test_a_run_can_only_be_written_beside_the_scenario_that_it_extends(escsim: Run, small: Path) -> None:
    small.write_text(BREAKS, "utf-8")
    Path("far").mkdir()
    assert escsim("check", "small.yaml", "-o", "far/broken.yaml").code == 2
    assert escsim("check", "small.yaml", "small.yaml", "-o", "broken.yaml").code == 2
    assert not Path("broken.yaml").exists()
    small.write_text(ORDERLY, "utf-8")
    assert "no run was found that breaks a `never` line, so nothing is written" in escsim("check", "small.yaml", "-o", "broken.yaml").err


def test_check_holds_the_replay_against_where_no_run_may_be(escsim: Run) -> None:
    Path("never.yaml").write_text(SMALL + "never: [{AAA->BBB: envoys_recalled}]\n", "utf-8")
    told = escsim("check", "never.yaml")
    assert (told.code, told.out) == (1, "")
    assert told.err == "never.yaml:22:9: error: from 2024-01-03 the replay is where no run may be\n    correct the line, or the events\n"


# replay


def test_a_replay_is_told_on_stdout_and_what_comes_next_on_stderr(escsim: Run, small: Path) -> None:
    told = escsim("replay", "small.yaml")
    assert told.code == 0
    assert told.out.startswith("A quarrel\nAlpha calls its ambassador home.\n\n  AAA->BBB  Alpha's mission in Beta\n")
    assert "      ▼ AAA->BBB normal -> envoys_recalled (recall_envoy)\n" in told.out
    assert "Why" not in told.out
    assert told.err == "\nnext: escsim replay small.yaml --why\n"
    assert escsim("replay", "small.yaml", "-q") == (0, told.out, "")
    assert escsim("replay", "small.yaml", "--why").err == ""


def test_a_replay_can_be_stopped(escsim: Run, small: Path) -> None:
    told = escsim("replay", "small.yaml", "--until", "2024-01-03", "-q")
    assert "Wed 3 Jan 2024" in told.out
    assert "Fri 5 Jan 2024" not in told.out
    data = json.loads(escsim("replay", "small.yaml", "--until", "2024-01-03", "--json").out)
    assert list(data["days"]) == ["2024-01-01", "2024-01-02", "2024-01-03"]
    assert [step["event"] for step in data["steps"]] == ["insult", "recall"]
    assert [step["time"] for step in data["steps"]] == [None, "05:30"]
    assert data["not_happened"] == []


def test_a_stopped_replay_as_json_tells_nothing_later_either(escsim: Run, small: Path) -> None:
    """As text it keeps the fates to itself: they name what happens later."""
    told = escsim("replay", "small.yaml", "--until", "2024-01-03", "--json").out
    assert "talks" not in told


def test_a_replay_as_json_has_the_documented_keys(escsim: Run) -> None:
    told = escsim("replay", NAMES[0], "--json")
    assert (told.code, told.err) == (0, "")
    data = json.loads(told.out)
    assert list(data) == ["scenario", "hash", "days", "steps", "not_happened"]
    assert data["scenario"] == NAMES[0]
    assert re.fullmatch("[0-9a-f]{64}", data["hash"])
    assert {tuple(step) for step in data["steps"]} == {("date", "time", "dated", "event", "actor", "action", "target", "moved", "reason", "source")}
    assert {tuple(move) for step in data["steps"] for move in step["moved"]} == {("mission", "from", "to")}
    assert {tuple(each) for each in data["not_happened"]} == {("event", "reason")}
    assert all(step["reason"] and step["source"] for step in data["steps"])


@pytest.mark.parametrize("day", range(15, 30))
def test_iran_and_pakistan_stand_on_each_day_where_history_has_them(day: int) -> None:
    """Recalled and barred on the 17th, both back on the 26th, in these words."""
    data = replayed()
    status = "normal" if day < 17 else "envoys_recalled" if day < 26 else "restored"
    assert data["days"][f"2024-01-{day}"] == {"PAK->IRN": status, "IRN->PAK": status}


def replayed() -> dict[str, object]:
    """Give the shipped replay of Iran and Pakistan as JSON, run once."""
    if not _replayed:
        done = CliRunner().invoke(cli.cli, ["replay", NAMES[0], "--json"])
        _replayed.update(json.loads(done.stdout))
    return _replayed


_replayed: dict[str, object] = {}


def test_each_change_between_iran_and_pakistan_has_its_source() -> None:
    moved = [(step["date"], step["event"], move["mission"], move["to"]) for step in replayed()["steps"] for move in step["moved"]]  # type: ignore[attr-defined]
    assert moved == [
        ("2024-01-17", "recall", "PAK->IRN", "envoys_recalled"),
        ("2024-01-17", "bar", "IRN->PAK", "envoys_recalled"),
        ("2024-01-26", "pakistani_return", "PAK->IRN", "restored"),
        ("2024-01-26", "iranian_return", "IRN->PAK", "restored"),
    ]
    sources = {step["event"]: step["source"] for step in replayed()["steps"] if step["moved"]}  # type: ignore[attr-defined]
    assert sources["recall"] == "Dawn (Karachi), 23 January 2024; Radio Free Europe/Radio Liberty, 17 January 2024"
    assert all(re.search(r"January 2024", source) for source in sources.values())


# list, show, schema


def test_list_names_what_ships(escsim: Run) -> None:
    told = escsim("list")
    assert (told.code, told.err) == (0, "")
    lines = told.out.splitlines()
    assert lines[0] == "scenario                    title"
    assert "iran-pakistan-2024          Iran and Pakistan, January 2024" in lines
    assert len(lines) == 1 + len(library.shipped())
    assert json.loads(escsim("list", "--json").out)["iraq-iran-2024"] == {
        "title": "Iraq and Iran, January 2024",
        "missions": ["IRQ->IRN", "IRN->IRQ"],
    }


def test_list_names_ladders_and_actions(escsim: Run) -> None:
    told = escsim("list", "--ladders")
    assert (told.code, told.err) == (0, "")
    assert "simple    normal < restored < downgraded < envoys_recalled < severed\n" in told.out
    assert set(json.loads(escsim("list", "--ladders", "--json").out)) == {"missions", "simple"}
    told = escsim("list", "--actions")
    assert max(map(len, told.out.splitlines())) <= 100
    assert re.search(r"^recall_envoy\* +16 +SANCTION +A state calls its ambassador home without saying for\n +how long\.$", told.out, re.MULTILINE)
    assert re.search(r"^phone_call +04 +CONSULT +", told.out, re.MULTILINE)
    data = json.loads(escsim("list", "--actions", "--json").out)
    assert data["recall_envoy"]["moves_missions"] is True
    names = [line.split()[0] for line in told.out.splitlines() if not line.startswith(" ")]
    assert names == ["action", *(name + "*" * word["moves_missions"] for name, word in data.items())]


@pytest.mark.parametrize("name", NAMES)
def test_show_prints_the_file_itself_byte_for_byte(name: str) -> None:
    done = CliRunner().invoke(cli.cli, ["show", name, "--yaml"])
    assert done.stdout_bytes == library.shipped()[name].read_bytes()


@pytest.mark.parametrize(
    "contents",
    [SMALL.encode().rstrip(b"\n"), SMALL.replace("\n", "\r\n").encode(), b"\xef\xbb\xbf" + SMALL.encode()],
    ids=["no_last_newline", "crlf", "bom"],
)
def test_show_changes_no_byte_of_any_file(escsim: Run, tmp_path: Path, contents: bytes) -> None:
    (tmp_path / "odd.yaml").write_bytes(contents)
    assert CliRunner().invoke(cli.cli, ["show", str(tmp_path / "odd.yaml"), "--yaml"]).stdout_bytes == contents


def test_show_gives_all_that_a_file_says_as_json(escsim: Run, small: Path) -> None:
    data = json.loads(escsim("show", "small.yaml", "--json").out)
    assert list(data)[:3] == ["name", "hash", "missions"]
    assert data["missions"] == ["AAA->BBB", "BBB->AAA"]
    assert data["hash"] == library.load(small).hash
    assert [event["id"] for event in data["events"]] == ["insult", "recall", "talks", "back", "answer", "march"]
    assert data["events"][4]["delay"] == {"fixed": "2 days"}
    assert data["period"] == {"from": "2024-01-01", "to": "2024-01-10"}


def test_the_schema_that_ships_is_the_one_that_is_printed(escsim: Run) -> None:
    told = escsim("schema")
    assert (told.code, told.err) == (0, "")
    assert told.out.encode() == (ROOT / "scenarios" / "escsim.schema.json").read_bytes()
    Draft202012Validator.check_schema(json.loads(told.out))


@pytest.mark.parametrize(
    "args", [["schema"], ["list", "--json"], ["replay", NAMES[0], "--json"], ["check", NAMES[1], "--json"], ["show", NAMES[0], "--json"]]
)
def test_json_ends_with_one_newline(escsim: Run, args: list[str]) -> None:
    told = escsim(*args)
    assert told.out.endswith(("}\n", "]\n"))


# new


def test_new_writes_a_file_that_is_in_order_and_a_schema_beside_it(escsim: Run, tmp_path: Path) -> None:
    told = escsim("new", "my-crisis")
    assert told == (0, "", "ready: my-crisis.yaml, and escsim.schema.json for your editor\nnext: escsim check my-crisis.yaml\n")
    assert sorted(tree(tmp_path)) == ["escsim.schema.json", "my-crisis.yaml"]
    assert escsim("check", "my-crisis.yaml") == (
        0,
        "my-crisis.yaml: in order: 4 dated events replay, 2 might have happened, 2 missions, 2 observed statuses hold, "
        "10 states, all that there are\n    of the ladder 'simple' no run comes to 'downgraded', 'severed'; "
        "no event does 'downgrade_relations', 'upgrade_relations', 'bar_envoy', 'normalise', 'sever_relations'\n",
        "",
    )
    text = Path("my-crisis.yaml").read_text("utf-8")
    assert text.startswith(MODELINE)
    assert (tmp_path / "escsim.schema.json").read_bytes() == (ROOT / "scenarios" / "escsim.schema.json").read_bytes()


@pytest.mark.parametrize("name", NAMES)
def test_shipped_files_lead_editors_to_the_schema(name: str) -> None:
    assert library.shipped()[name].read_text("utf-8").startswith(MODELINE)


@pytest.mark.parametrize("name", ["a.yaml", "a.yml", "far/away/a.yaml"])
def test_new_takes_a_path_too(escsim: Run, tmp_path: Path, name: str) -> None:
    assert escsim("new", name, "-q") == (0, "", "")
    assert escsim("check", name).code == 0
    assert set(tree(tmp_path)) == {name, str(Path(name).parent / "escsim.schema.json")}


@pytest.mark.parametrize("name", NAMES)
def test_new_copies_a_scenario(escsim: Run, name: str) -> None:
    assert escsim("new", "copy", "--from", name).code == 0
    assert Path("copy.yaml").read_bytes() == library.shipped()[name].read_bytes()
    assert library.load("copy.yaml").hash == library.load(name).hash


def test_new_overwrites_nothing_unasked(escsim: Run, tmp_path: Path) -> None:
    Path("mine.yaml").write_text("mine", "utf-8")
    told = escsim("new", "mine")
    assert (told.code, told.out) == (2, "")
    assert told.err.endswith("Error: already there, with other contents: mine.yaml; add --force to replace\n")
    assert tree(tmp_path) == {"mine.yaml": b"mine"}
    assert escsim("new", "mine", "--force").code == 0
    assert escsim("check", "mine.yaml").code == 0
    assert escsim("new", "mine").code == 0, "it is there already, just so"


def test_new_overwrites_no_schema_of_another_kind_unasked(escsim: Run, tmp_path: Path) -> None:
    Path("escsim.schema.json").write_text("mine", "utf-8")
    escsim("new", "crisis")
    assert Path("escsim.schema.json").read_text("utf-8") == "mine"


# run and plot


def test_run_tells_the_crisis_and_writes_its_results(escsim: Run, tmp_path: Path, small: Path, sketch: None) -> None:
    told = escsim("run", "small.yaml")
    assert told.code == 0
    assert told.out == escsim("replay", "small.yaml").out
    folder = tmp_path / "out" / "small"
    results = tree(folder)
    names = ("summary.md", "variants.json", "replay.json", "replay.csv", "forecast.json")
    names += ("trajectory.png", "trajectory.svg", "diagram.png", "diagram.svg", "diagram.csv")
    assert set(results) == {*names}
    assert json.loads(results["replay.json"]) == json.loads(escsim("replay", "small.yaml", "--json").out)
    assert (
        results["replay.csv"]
        .decode()
        .startswith("date,time,dated,event,actor,action,target,mission,from,to,reason,source\n2024-01-02,,2024-01-02,insult,")
    )
    hash_ = library.load(small).hash
    assert results["trajectory.png"].decode() == f"trajectory {hash_} False as png: The trajectory of A quarrel."
    assert results["diagram.svg"].decode() == f"diagram {hash_} False as svg: The diagram of A quarrel."
    said = "\nresults: " + ", ".join(f"out/small/{name}" for name in names)
    said += "\nnext: read out/small/summary.md, or escsim replay small.yaml --why     the reasons, and what might have happened and did not\n"
    assert told.err == said
    assert escsim("run", "small.yaml", "-q") == (0, told.out, "")


def test_run_as_json_names_its_files(escsim: Run, small: Path, sketch: None) -> None:
    told = escsim("run", "small.yaml", "-o", "results", "--format", "pdf", "--json", "-q")
    assert (told.code, told.err) == (0, "")
    data = json.loads(told.out)
    assert list(data) == ["scenario", "hash", "variants", "replay", "forecast", "files"]
    names = ("summary.md", "variants.json", "replay.json", "replay.csv", "forecast.json", "trajectory.pdf", "diagram.pdf", "diagram.csv")
    assert data["files"] == [f"results/{name}" for name in names]
    assert all(Path(name).is_file() for name in data["files"])


def test_a_second_identical_run_changes_nothing(escsim: Run, tmp_path: Path, small: Path, sketch: None) -> None:
    first = escsim("run", "small.yaml")
    files = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    for path in files:
        os.utime(path, ns=(10**18, 10**18))
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns, path.stat().st_ino) for path in files}
    assert escsim("run", "small.yaml") == first
    assert {
        path: (path.read_bytes(), path.stat().st_mtime_ns, path.stat().st_ino) for path in (tmp_path / "out").rglob("*") if path.is_file()
    } == before


@pytest.mark.parametrize("name", ["replay.json", "diagram.svg"])
def test_run_writes_nothing_when_one_file_is_in_the_way(escsim: Run, tmp_path: Path, small: Path, sketch: None, name: str) -> None:
    folder = tmp_path / "out" / "small"
    folder.mkdir(parents=True)
    (folder / name).write_text("mine", "utf-8")
    told = escsim("run", "small.yaml")
    assert (told.code, told.out) == (2, "")
    message = f"already there, with other contents: out/small/{name}; add --force to replace, or -o FOLDER for another place"
    assert message in re.sub(r"\s+", " ", told.err)
    assert tree(folder) == {name: b"mine"}
    assert escsim("run", "small.yaml", "--force").code == 0
    assert len(tree(folder)) == 10
    assert tree(folder)[name] != b"mine"


def test_run_of_another_scenario_leaves_the_results_of_the_first(escsim: Run, tmp_path: Path, small: Path, sketch: None) -> None:
    escsim("run", "small.yaml", "-o", "results")
    before = tree(tmp_path / "results")
    told = escsim("run", NAMES[1], "-n", "20", "-o", "results")
    assert told.code == 2
    assert tree(tmp_path / "results") == before


def test_run_writes_into_no_file(escsim: Run, small: Path, sketch: None) -> None:
    told = escsim("run", "small.yaml", "-o", "small.yaml")
    assert told.code == 2
    assert "is a file" in told.err
    told = escsim("run", "small.yaml", "-o", "small.yaml/results")
    assert (told.code, told.out, told.err.count("\n")) == (1, "", 1)


@pytest.mark.parametrize(("args", "name"), [([], "small-trajectory.png"), (["-o", "x.svg"], "x.svg"), (["-o", "far/x.PDF"], "far/x.PDF")])
def test_plot_writes_one_picture_and_prints_its_name(escsim: Run, small: Path, sketch: None, args: list[str], name: str) -> None:
    told = escsim("plot", "small.yaml", "trajectory", *args)
    assert told == (0, f"{name}\n", "The trajectory of A quarrel.\n")
    assert Path(name).read_text().endswith(f"False as {Path(name).suffix[1:].lower()}: The trajectory of A quarrel.")
    assert escsim("plot", "small.yaml", "trajectory", *args, "-q") == (0, f"{name}\n", "")
    told = escsim("plot", "small.yaml", "trajectory", *args, "--print")
    assert told.code == 2
    assert f"already there, with other contents: {name}; add --force to replace" in told.err
    assert escsim("plot", "small.yaml", "trajectory", *args, "--print", "--force").code == 0
    assert " True as " in Path(name).read_text()


def test_plot_describes_its_picture_as_json(escsim: Run, small: Path, sketch: None) -> None:
    told = escsim("plot", "small.yaml", "diagram", "--json", "-q")
    assert json.loads(told.out) == {
        "scenario": "small",
        "hash": library.load(small).hash,
        "kind": "diagram",
        "file": "small-diagram.png",
        "description": "The diagram of A quarrel.",
    }


SIGNS = {"png": b"\x89PNG\r\n\x1a\n", "svg": b"<?xml", "pdf": b"%PDF-"}


@pytest.mark.slow
def test_results_are_the_same_in_every_process_and_place(process: Run, tmp_path: Path) -> None:
    """Byte for byte: text, data and all pictures."""
    places = [tmp_path / "one", tmp_path / "other" / "deeper"]
    told = []
    for number, place in enumerate(places):
        place.mkdir(parents=True)
        env = {"PYTHONHASHSEED": str(number), "TZ": ["UTC", "Asia/Tokyo"][number], "COLUMNS": "100"}
        told.append(process("run", NAMES[0], "--format", "png", "--format", "svg", "--format", "pdf", cwd=place, env=env))
    assert told[0].code == 0, told[0].err
    assert told[0] == told[1]
    drawn = [kind for kind in cli.drawing.KINDS if kind not in ("animate", "sweep")]
    results = tree(places[0])
    assert {path.removeprefix(f"out/{NAMES[0]}/") for path in results} == {
        "summary.md", "variants.json", "what_if.json", "replay.json", "replay.csv", "forecast.json",
        *(f"{kind}.{suffix}" for kind in drawn for suffix in (*SIGNS, "csv") if (kind, suffix) != ("trajectory", "csv")),
    }  # fmt: skip
    assert results == tree(places[1])
    for name, data in results.items():
        if (suffix := name.rsplit(".")[-1]) in SIGNS:
            assert data.startswith(SIGNS[suffix]), name
            assert str(tmp_path).encode() not in data
            assert len(data) > 3000


# Streams


def test_a_reader_that_has_seen_enough_ends_it_quietly(tmp_path: Path) -> None:
    """As in `escsim schema | head -1`, which is far more than a pipe holds."""
    for args in (["schema"], ["replay", NAMES[0]], ["list", "--actions"]):
        with subprocess.Popen(
            [sys.executable, "-m", "escsim", *args], cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as running:
            assert running.stdout is not None
            assert running.stderr is not None
            if args == ["schema"]:
                running.stdout.readline()
            running.stdout.close()
            said = running.stderr.read()
        assert (running.returncode, said) == (0, b""), args


def test_a_pipe_of_messages_that_nobody_reads_gives_no_traceback(small: Path, tmp_path: Path) -> None:
    """As in `escsim replay broken.yaml 2>&1 | true`: the exit code still says what happened."""
    small.write_text(BROKEN, "utf-8")
    read, write = os.pipe()
    os.close(read)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "escsim", "replay", "small.yaml"], cwd=tmp_path, env=environment(), stderr=write, timeout=60, check=False
        )
    finally:
        os.close(write)
    assert done.returncode == 1


def test_a_full_disk_behind_stdout_is_told_in_a_line(tmp_path: Path) -> None:
    with open("/dev/full", "wb") as full:
        command = [sys.executable, "-m", "escsim", "list"]
        done = subprocess.run(command, cwd=tmp_path, env=environment(), stdout=full, stderr=subprocess.PIPE, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (1, b"escsim: error: No space left on device\n")


@pytest.mark.parametrize("closed", [1, 2])
def test_a_closed_stream_is_no_fault(small: Path, tmp_path: Path, closed: int) -> None:
    """As in `escsim replay S >&-`, or under a service manager that gives no stdout."""
    script = f'exec {closed}>&-; exec "$0" -m escsim replay small.yaml'
    done = subprocess.run(["/bin/sh", "-c", script, sys.executable], cwd=tmp_path, env=environment(), capture_output=True, timeout=60, check=False)
    assert (done.returncode, b"error" in done.stderr) == (0, False)
    if closed == 2:
        assert done.stdout.startswith(b"A quarrel\n")


def on_terminal(tmp_path: Path, **env: str) -> str:
    """Give what `escsim replay small.yaml` shows on a terminal."""
    keeper, terminal = pty.openpty()
    command = [sys.executable, "-m", "escsim", "replay", "small.yaml"]
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment(TERM="xterm", **env), stdout=terminal, stderr=subprocess.DEVNULL, stdin=terminal
    ) as running:
        os.close(terminal)
        shown = b""
        while select.select([keeper], [], [], 60)[0]:
            try:
                got = os.read(keeper, 65536)
            except OSError:  # Linux says so when the last writer is gone
                break
            if not got:
                break
            shown += got
    os.close(keeper)
    assert running.returncode == 0
    return shown.decode("utf-8").replace("\r\n", "\n")


def test_colour_is_for_terminals_and_not_where_it_is_unwanted(small: Path, tmp_path: Path, process: Run) -> None:
    piped = process("replay", "small.yaml").out
    assert "\x1b" not in piped
    coloured = on_terminal(tmp_path)
    assert "\x1b[1mA quarrel\x1b[0m\n" in coloured
    assert re.search(r"\x1b\[[0-9;]*m      ▼ AAA->BBB normal -> envoys_recalled \(recall_envoy\)\x1b\[0m\n", coloured)
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == piped
    assert on_terminal(tmp_path, NO_COLOR="1") == piped
    assert on_terminal(tmp_path, NO_COLOR="") == coloured, "an empty NO_COLOR is none (no-color.org)"


FOREIGN = SMALL.replace("Alpha calls its", "Älpha — Правда — calls its").replace("The Paper", "Prävda – Правда")


@pytest.mark.parametrize(
    "env",
    [{"PYTHONIOENCODING": "ascii"}, {"PYTHONIOENCODING": "latin-1"}, {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}],
    ids=["ascii", "latin-1", "C"],
)
def test_a_terminal_that_is_not_utf8_gets_plain_signs(process: Run, small: Path, env: dict[str, str]) -> None:
    small.write_text(FOREIGN, "utf-8")
    told = process("replay", "small.yaml", "--why", env=env)
    assert told.code == 0
    assert "\n  * BBB to AAA: Beta insults Alpha. [insult; paper, wire]\n" in told.out
    assert "\n      v AAA->BBB normal -> envoys_recalled (recall_envoy)\n" in told.out
    assert "Traceback" not in told.err


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_data_is_whole_whatever_the_terminal_can_show(process: Run, small: Path, encoding: str) -> None:
    """A question mark in a text is for people; a machine must get the text."""
    small.write_text(FOREIGN, "utf-8")
    told = process("replay", "small.yaml", "--json", env={"PYTHONIOENCODING": encoding})
    assert json.loads(told.out)["steps"][0]["source"] == "Prävda – Правда, 4 January 2024; The Wire, 5 January 2024"


@pytest.mark.parametrize(("columns", "widest"), [("20", 72), ("80", 80), ("100", 100), ("300", 120), ("0", 120), ("many", 120)])
def test_lines_are_as_wide_as_the_terminal_within_reason(
    escsim: Run, monkeypatch: pytest.MonkeyPatch, small: Path, columns: str, widest: int
) -> None:
    small.write_text(SMALL.replace("Beta insults Alpha.", "Beta insults Alpha. " * 20), "utf-8")
    monkeypatch.setenv("COLUMNS", columns)
    longest = max(map(len, escsim("replay", "small.yaml", "--why").out.splitlines()))
    assert longest <= widest
    assert longest > 60


def test_names_work_from_anywhere(process: Run) -> None:
    assert process("check", "iraq-iran-2024", "-q", cwd=Path("/")) == (0, "", "")


def test_a_long_run_shows_its_rate_and_the_time_left_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rate that counts what a folder had, or the time before anything ran; and a bar for what is over at once."""
    terminal, clock = io.StringIO(), [0.0]
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(time, "monotonic", lambda: clock[-1])
    shown = []
    with cli.common.progress_bar(10_000, quiet=False) as show:
        assert show is not None
        for moment, done in ((1.0, 1000), (1.5, 1500), (11.5, 4000), (21.5, 6000), (31.5, 10_000)):
            clock.append(moment)
            show(done)
            shown.append(terminal.getvalue())
            terminal.seek(0)
            terminal.truncate()
    assert shown[:2] == ["", ""]
    assert [re.findall(r"(\d+)/10000 *(.*?) *$", each) for each in shown[2:]] == [
        [("4000", "286/s  0:00:21 left")],
        [("6000", "244/s  0:00:16 left")],
        [("10000", "")],
    ]


# Faults of its own, and interruptions


def test_a_fault_of_its_own_is_told_in_two_lines(escsim: Run, monkeypatch: pytest.MonkeyPatch, small: Path) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("the sky is falling")

    monkeypatch.setattr(library, "load", broken)
    said = "escsim: internal error: RuntimeError: the sky is falling\n"
    said += "  Please report this with the scenario; `escsim --debug ...` shows where it happened.\n"
    assert escsim("replay", "small.yaml") == (70, "", said)
    told = escsim("--debug", "replay", "small.yaml")
    assert told.code == 70
    assert told.err.startswith("Traceback (most recent call last):\n")
    assert told.err.endswith(said)


@pytest.mark.parametrize("error", [RecursionError("too deep"), MemoryError(), AssertionError("never"), KeyError("x"), UnicodeError("bad")])
def test_any_fault_of_its_own_gives_70(escsim: Run, monkeypatch: pytest.MonkeyPatch, small: Path, error: Exception) -> None:
    def broken(*_: object) -> None:
        raise error

    monkeypatch.setattr(library, "load", broken)
    told = escsim("check", "small.yaml")
    assert told.code == 70
    assert told.err.startswith(f"escsim: internal error: {type(error).__name__}")
    assert "Traceback" not in told.err


def test_an_interruption_anywhere_gives_130(escsim: Run, monkeypatch: pytest.MonkeyPatch, small: Path) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(library, "load", interrupted)
    told = escsim("replay", "small.yaml")
    assert (told.code, told.out, told.err.strip()) == (130, "", "interrupted")


INTERRUPTED = """
import signal, sys
from escsim.__main__ import main
set_handler = signal.signal
def first(*args):
    signal.signal = set_handler
    set_handler(*args)
    print("begins", file=sys.stderr, flush=True)
signal.signal = first
sys.argv = ["escsim", "run", "iraq-iran-2024", "-n", "50", "--format", "svg", "--format", "pdf"]
main()
"""


def worked(pid: int) -> float:
    """Give the seconds of work that a process has done: unlike time, they do not pass while other programs run."""
    times = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return sum(map(int, times)) / os.sysconf("SC_CLK_TCK")


def children_worked() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def interrupt(folder: Path, after: float) -> int:
    """Run a scenario, press Ctrl-C after some time, and give the exit code; whatever was written must be whole."""
    before = children_worked()
    with subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED], cwd=folder, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as running:
        assert running.stderr is not None
        assert running.stderr.readline() == b"begins\n"
        time.sleep(after)
        done = worked(running.pid)
        running.send_signal(signal.SIGINT)
        _, err = running.communicate(timeout=60)
    assert children_worked() - before - done < 1
    assert b"Traceback" not in err
    if b"results: " in err:  # it was done when the signal came
        assert running.returncode in (0, 130, -signal.SIGINT)
    else:
        assert (running.returncode, err.strip()) == (130, b"interrupted")
    for name, data in tree(folder).items():
        assert not name.endswith("part"), "no half file"
        end = {"json": b"}\n", "csv": b"\n", "png": b"IEND\xaeB`\x82", "svg": b"</svg>\n", "pdf": b"%%EOF\n", "md": b".\n"}[name.rsplit(".")[-1]]
        assert data.endswith(end), name
    return running.returncode


def test_ctrl_c_ends_it_within_a_second_of_work_and_leaves_no_half_file(tmp_path: Path) -> None:
    for after in (0.05, 0.4, 0.9):
        (tmp_path / str(after)).mkdir()
        interrupt(tmp_path / str(after), after)


@pytest.mark.slow
def test_ctrl_c_ends_it_at_any_time(tmp_path: Path) -> None:
    (tmp_path / "whole").mkdir()
    began = time.monotonic()
    subprocess.run([sys.executable, "-c", INTERRUPTED], cwd=tmp_path / "whole", env=environment(), capture_output=True, timeout=60, check=True)
    whole = time.monotonic() - began
    codes = []
    for part in range(7):
        (tmp_path / str(part)).mkdir()
        codes.append(interrupt(tmp_path / str(part), whole * part / 6))  # the last ones may come too late
    assert codes.count(130) >= 3


HALF = """
import os, sys, time
from escsim import files
from escsim.__main__ import main
replace, done = os.replace, []
def slowly(*args):
    replace(*args)
    done.append(args)
    if len(done) == 2:
        print("half", file=sys.stderr, flush=True)
        time.sleep(60)
os.replace = slowly
files.write = lambda contents, force, write=files.write: write({path: data * 100 for path, data in contents.items()}, force=force)
sys.argv = ["escsim", "new", "crisis"]
main()
"""


def test_ctrl_c_between_two_files_leaves_each_whole(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HALF], cwd=tmp_path, env=environment(), stderr=subprocess.PIPE) as running:
        assert running.stderr is not None
        assert running.stderr.readline() == b"half\n"
        running.send_signal(signal.SIGINT)
        assert running.stderr.read().strip() == b"interrupted"
    assert running.returncode == 130
    assert set(tree(tmp_path)) == {"crisis.yaml", "escsim.schema.json"}
