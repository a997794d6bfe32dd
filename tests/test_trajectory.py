"""One run as data: statuses on days, the dictionary for JSON, the table for pandas."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date as Day
from datetime import datetime, timedelta

import pandas as pd
import pytest

from escsim.library import load, shipped
from escsim.scenario import Scenario
from escsim.times import TICKS_A_DAY
from tests.conftest import SMALL

Loaded = Callable[..., Scenario]
HOUR = TICKS_A_DAY // 24


def held(scenario: Scenario, who: str) -> dict[str, str]:
    """Give the days on which a mission or pair comes to be in another status at the day's end."""
    trajectory, found, last = scenario.replay(), dict[str, str](), ""
    for day in scenario.period.days():
        if (status := trajectory.status_on(who, day)) != last:
            found[day.isoformat()] = last = status
    return found


# Statuses


def test_a_status_lasts_from_its_day_to_the_next_change(scenario: Loaded) -> None:
    assert held(scenario(), "AAA->BBB") == {"2024-01-01": "normal", "2024-01-03": "envoys_recalled", "2024-01-07": "normal"}
    assert held(scenario(), "BBB->AAA") == {"2024-01-01": "normal"}


@pytest.mark.parametrize(
    ("date", "day"),
    [
        ("2024-01-03", "2024-01-03"),  # at its 00:00, which belongs to the day
        ("2024-01-03 00:00", "2024-01-03"),
        ("2024-01-03 00:01", "2024-01-03"),
        ("2024-01-03 23:59", "2024-01-03"),
        ("2024-01-02 23:59", "2024-01-02"),
        ("2024-01-03 to 2024-01-04", "2024-01-04"),  # the middle is 00:00 of the 4th
        ("2024-01-03 to 2024-01-03", "2024-01-03"),
        ("2024-01-02 12:00 to 2024-01-03", "2024-01-03"),
        ("about 2024-01-04", "2024-01-04"),
    ],
)
def test_a_day_is_judged_by_its_last_tick(scenario: Loaded, date: str, day: str) -> None:
    told = scenario(("2024-01-03 05:30", date), ("date: 2024-01-02,", "date: 2024-01-01,"), ("2024-01-04 to 2024-01-05", "2024-01-06"))
    assert held(told, "AAA->BBB") == {"2024-01-01": "normal", day: "envoys_recalled", "2024-01-07": "normal"}


def test_an_event_on_the_first_and_on_the_last_day_counts(scenario: Loaded) -> None:
    first = scenario(("date: 2024-01-02,", "date: 2024-01-01,"), ("2024-01-03 05:30", "2024-01-01"))
    assert held(first, "AAA->BBB") == {"2024-01-01": "envoys_recalled", "2024-01-07": "normal"}
    last = scenario(("date: 2024-01-07,", "date: 2024-01-10 23:59,"))
    assert held(last, "AAA->BBB") == {"2024-01-01": "normal", "2024-01-03": "envoys_recalled", "2024-01-10": "normal"}


def test_a_status_at_a_tick_counts_what_happens_at_that_very_tick(scenario: Loaded) -> None:
    trajectory = scenario().replay()
    recalled = 2 * TICKS_A_DAY + 5 * HOUR + HOUR // 2
    assert trajectory.steps[1].tick == recalled
    assert trajectory.status_at("AAA->BBB", recalled - 1) == "normal"
    assert trajectory.status_at("AAA->BBB", recalled) == "envoys_recalled"
    assert trajectory.status_at("AAA->BBB", 0) == "normal"
    assert trajectory.status_at("AAA->BBB", 6 * TICKS_A_DAY) == "normal"
    assert trajectory.status_at("AAA->BBB", 6 * TICKS_A_DAY - 1) == "envoys_recalled"


def test_of_several_events_on_a_day_the_last_in_the_file_holds_at_its_end(scenario: Loaded) -> None:
    again = "  - {id: again, date: 2024-01-07, actor: AAA, target: BBB, action: recall_envoy}\n"
    assert held(scenario(text=SMALL + again), "AAA->BBB") == {"2024-01-01": "normal", "2024-01-03": "envoys_recalled"}
    assert scenario(text=SMALL + again).replay().status_at("AAA->BBB", 6 * TICKS_A_DAY) == "envoys_recalled"


def test_the_status_of_a_pair_is_the_more_severe_of_the_two(scenario: Loaded) -> None:
    trajectory = scenario(("delay: 2 days}", "date: 2024-01-08}"), ("unless: talks, date", "date")).replay()
    told = {pair: [trajectory.status_on(pair, Day(2024, 1, day)) for day in (2, 3, 7, 8)] for pair in ("AAA-BBB", "BBB-AAA")}
    assert told["AAA-BBB"] == told["BBB-AAA"] == ["normal", "envoys_recalled", "normal", "envoys_recalled"]
    assert trajectory.status_on("any", Day(2024, 1, 8)) == "envoys_recalled"


@pytest.mark.parametrize("who", ["AAA->CCC", "AAA->AAA", "CCC-AAA", "aaa->bbb", "->", "AAA", "", "AAA-BBB-CCC", "AAA->BBB->CCC", "nonsense"])
def test_an_unknown_mission_is_a_key_error(scenario: Loaded, who: str) -> None:
    trajectory = scenario().replay()
    with pytest.raises(KeyError) as caught:
        trajectory.status_on(who, Day(2024, 1, 3))
    assert caught.value.args == (who,)


def test_an_unknown_mission_at_a_tick_is_a_key_error(scenario: Loaded) -> None:
    with pytest.raises(KeyError):
        scenario().replay().status_at("AAA->CCC", 0)


@pytest.mark.parametrize("day", [Day(2023, 12, 31), Day(2023, 12, 30), Day(2023, 1, 1), Day(1, 1, 1)])
def test_before_the_period_a_status_is_the_initial_one_or_an_error(scenario: Loaded, day: Day) -> None:
    trajectory = scenario(
        ("date: 2024-01-07, actor: AAA", "date: 2024-01-07, actor: BBB"),
        ("target: BBB, action: [return_envoy, normalise]", "target: AAA, action: protest"),
    ).replay()
    try:
        status = trajectory.status_on("AAA->BBB", day)
    except (KeyError, ValueError):
        return
    assert status == "normal"


def test_days_hold_every_day_and_every_mission(scenario: Loaded) -> None:
    days = scenario().replay().days()
    assert list(days) == [Day(2024, 1, 1) + timedelta(number) for number in range(10)]
    assert {tuple(each) for each in days.values()} == {("AAA->BBB", "BBB->AAA")}
    assert days[Day(2024, 1, 5)] == {"AAA->BBB": "envoys_recalled", "BBB->AAA": "normal"}


@pytest.mark.parametrize("name", shipped())
def test_days_and_single_statuses_agree(name: str) -> None:
    trajectory = load(name).replay()
    for day, statuses in list(trajectory.days().items())[::17]:
        assert statuses == {mission: trajectory.status_on(mission, day) for mission in statuses}


# Steps


def test_a_step_has_its_moment_and_its_event(scenario: Loaded) -> None:
    trajectory = scenario().replay()
    assert [trajectory.moment(step) for step in trajectory.steps] == [
        datetime(2024, 1, 2),
        datetime(2024, 1, 3, 5, 30),
        datetime(2024, 1, 5),
        datetime(2024, 1, 7),
    ]
    assert [trajectory.event(step).id for step in trajectory.steps] == ["insult", "recall", "talks", "back"]
    assert [step.caller for step in trajectory.steps] == ["start", "insult", "recall", "talks"]
    assert trajectory.draws == "history"


# For JSON


def test_the_dictionary_says_all_that_happened(scenario: Loaded) -> None:
    told = scenario().replay().to_dict()
    assert list(told) == ["scenario", "hash", "days", "steps", "not_happened"]
    assert (told["scenario"], told["hash"]) == ("changed", scenario().hash)
    assert told["days"]["2024-01-06"] == {"AAA->BBB": "envoys_recalled", "BBB->AAA": "normal"}
    assert len(told["days"]) == 10
    assert told["steps"][1] == {
        "date": "2024-01-03",
        "time": "05:30",
        "dated": "2024-01-03 05:30",
        "event": "recall",
        "actor": ["AAA"],
        "action": ["recall_envoy"],
        "target": ["BBB"],
        "moved": [{"mission": "AAA->BBB", "from": "normal", "to": "envoys_recalled"}],
        "reason": "recall_envoy takes AAA->BBB from normal to envoys_recalled.",
        "source": "The Wire, 5 January 2024",
    }
    assert told["steps"][2] == {
        "date": "2024-01-05",
        "time": None,
        "dated": "2024-01-04 to 2024-01-05",
        "event": "talks",
        "actor": ["AAA", "BBB"],
        "action": ["talks"],
        "target": [],
        "moved": [],
        "reason": "talks moves no mission on this ladder.",
        "source": None,
    }
    assert [(move["from"], move["to"]) for move in told["steps"][3]["moved"]] == [("envoys_recalled", "restored"), ("restored", "normal")]
    assert told["not_happened"] == [
        {"event": "answer", "reason": "Barred once talks had happened."},
        {"event": "march", "reason": "Never called: answer did not happen."},
    ]


@pytest.mark.parametrize("name", shipped())
def test_the_dictionary_is_json_and_the_same_each_time(name: str) -> None:
    one, other = load(name).replay().to_dict(), load(name).replay().to_dict()
    assert json.loads(json.dumps(one, allow_nan=False)) == one == other


@pytest.mark.parametrize("name", shipped())
def test_steps_and_days_tell_the_same_story(name: str) -> None:
    """Going through the steps gives the statuses of each day."""
    scenario = load(name)
    told = scenario.replay().to_dict()
    now = dict(scenario.initial)
    steps = list(told["steps"])
    for day, statuses in told["days"].items():
        while steps and steps[0]["date"] <= day:
            for move in steps.pop(0)["moved"]:
                assert now[move["mission"]] == move["from"]
                now[move["mission"]] = move["to"]
        assert statuses == now, day
    assert not steps


# For pandas


def test_the_table_has_a_row_for_each_mission_moved(scenario: Loaded) -> None:
    frame = scenario().replay().to_frame()
    assert list(frame.columns) == ["date", "event", "actor", "action", "target", "mission", "from", "to", "reason", "source"]
    assert list(frame.event) == ["insult", "recall", "talks", "back", "back"]
    assert list(frame.date) == [pd.Timestamp(text) for text in ("2024-01-02", "2024-01-03 05:30", "2024-01-05", "2024-01-07", "2024-01-07")]
    assert list(frame.actor) == ["BBB", "AAA", "AAA, BBB", "AAA", "AAA"]
    assert list(frame.action) == ["provocation", "recall_envoy", "talks", "return_envoy, normalise", "return_envoy, normalise"]
    assert list(frame.target) == ["AAA", "BBB", "", "BBB", "BBB"]
    assert list(frame.mission.isna()) == [True, False, True, False, False]
    assert list(frame["from"].isna()) == list(frame["to"].isna()) == list(frame.mission.isna())
    assert list(frame.dropna(subset="mission")["to"]) == ["envoys_recalled", "restored", "normal"]
    assert list(frame.source.isna()) == [False, False, True, False, False]
    assert list(frame.index) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("first", ["2024", "1914", "1500", "2900"])
def test_dates_of_the_table_are_dates_in_any_year(scenario: Loaded, first: str) -> None:
    frame = scenario(text=SMALL.replace("2024-", f"{first}-").replace("2023-", f"{int(first) - 1 if first != '1500' else 1500}-")).replay().to_frame()
    assert pd.api.types.is_datetime64_dtype(frame.date)
    assert frame.date[1] == datetime(int(first), 1, 3, 5, 30)


def test_other_columns_of_the_table_are_text(scenario: Loaded) -> None:
    frame = scenario().replay().to_frame()
    for column in frame.columns.drop("date"):
        assert pd.api.types.infer_dtype(frame[column], skipna=True) == "string", column


def test_a_table_of_nothing_has_the_same_columns_and_kinds(scenario: Loaded) -> None:
    """Or `frame.date.dt` fails on the one scenario in which nothing happened."""
    frame = (
        scenario(text=SMALL[: SMALL.index("  - {id: insult")] + "  - {id: march, actor: crowd, action: protest, delay: 1 day}\n").replay().to_frame()
    )
    assert list(frame.columns) == ["date", "event", "actor", "action", "target", "mission", "from", "to", "reason", "source"]
    assert len(frame) == 0
    assert pd.api.types.is_datetime64_dtype(frame.date)


def test_a_table_in_which_nothing_moved_has_missing_missions(scenario: Loaded) -> None:
    frame = scenario(text=SMALL[: SMALL.index("  - {id: recall")]).replay().to_frame()
    assert list(frame.event) == ["insult"]
    assert frame[["mission", "from", "to"]].isna().all(axis=None)
