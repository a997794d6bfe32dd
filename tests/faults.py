"""Faults planted in the rules of escsim, each with the tests that must turn red: what the suite is worth.

A fault is a piece of text of one file, which occurs there exactly once, and what takes its place in a copy of the
package. `test_faults.py` makes the copies and runs the tests in them. `python -m tests.faults` prints the list as the table
of `tests/README.md`.
"""

from __future__ import annotations

from typing import NamedTuple


class Fault(NamedTuple):
    """A fault: what it is in words, the file of escsim that has it, the text there, the text instead, the tests that turn red."""

    said: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


def fault(said: str, file: str, old: str, new: str, *tests: str) -> Fault:
    return Fault(said, file, old, new, tuple(f"tests/test_{test}" for test in tests))


FAULTS = [
    fault(
        "a clock that an event leaves set is drawn anew",
        "stepper.py",
        "if state is not State.WAITING or not self.open(name):",
        "if state not in (State.WAITING, State.RUNNING) or not self.open(name):",
        "stepper.py::test_other_clocks_keep_running_untouched",
    ),
    fault(
        "of equal clocks the last in the file fires first",
        "stepper.py",
        "(self.clock[name], self.scenario.order[name])",
        "(self.clock[name], -self.scenario.order[name])",
        "stepper.py::test_of_equal_clocks_the_first_in_the_file_fires_first",
    ),
    fault(
        "an event that is due at the end of the period still fires",
        "stepper.py",
        "if self.clock[event] >= until:",
        "if self.clock[event] > until:",
        "stepper.py::test_what_is_due_at_the_end_of_the_period_or_later_does_not_happen",
    ),
    fault(
        "an arming that chance refuses is not numbered",
        "stepper.py",
        "self.armings[name] += 1",
        "self.armings[name] += due is not None",
        "stepper.py::test_armings_are_numbered_from_0_with_those_refused_and_those_cancelled",
    ),
    fault(
        "a refused event gets no other chance when its gate shuts and opens",
        "stepper.py",
        "if state in (State.RUNNING, State.REFUSED) and name not in self.forced",
        "if state is State.RUNNING and name not in self.forced",
        "stepper.py::test_a_refused_event_whose_gate_shuts_and_opens_is_armed_again",
    ),
    fault(
        "a gate is judged in the midst of a firing",
        "stepper.py",
        "                moves.append(Move(mission, before, model.state, trigger))\n",
        "                moves.append(Move(mission, before, model.state, trigger))\n                self.shut_gates(event.id)\n",
        "stepper.py::test_a_gate_is_judged_only_after_a_whole_firing",
    ),
    fault(
        "a moot event calls those that follow it",
        "stepper.py",
        "        if not moot:\n            self.call_followers(name)\n",
        "        self.call_followers(name)\n",
        "stepper.py::test_a_moot_event_calls_nobody",
    ),
    fault(
        "a moot event bars",
        "stepper.py",
        "            self.bar(name)\n        self.shut_gates(name)\n",
        "        self.bar(name)\n        self.shut_gates(name)\n",
        "stepper.py::test_a_moot_event_bars_nobody",
    ),
    fault(
        "`unless` takes the clock, but does not bar later calls",
        "stepper.py",
        "        if name in self.barred:\n",
        "        if name in self.barred and name in self.clock:\n",
        "stepper.py::test_a_call_is_ignored_if_what_bars_the_event_happened_before",
    ),
    fault(
        "a call to a running event draws its clock anew",
        "stepper.py",
        "if self.state[name] in (State.IDLE, State.REFUSED):",
        "if self.state[name] in (State.IDLE, State.REFUSED, State.RUNNING):",
        "stepper.py::test_a_call_to_a_running_event_does_not_redraw_its_clock",
    ),
    fault(
        "`all` is taken for `any`",
        "scenario.py",
        "(self.all is None or all(name in happened for name in self.all))",
        "(self.all is None or any(name in happened for name in self.all))",
        "stepper.py::test_an_event_with_all_is_called_by_the_last_of_its_causes",
    ),
    fault(
        "a choice is counted although an option of it is running",
        "stepper.py",
        "        if busy or (forced and self.now >= self.since)",
        "        self.calls[name] += busy\n        if busy or (forced and self.now >= self.since)",
        "stepper.py::test_a_call_of_a_choice_is_ignored_and_not_counted_while_an_option_is_running",
    ),
    fault(
        "a repeating event that follows nothing is not called again after it was moot",
        "stepper.py",
        "if self.scenario.is_hazard(event):",
        "if self.scenario.is_hazard(event) and not moot:",
        "stepper.py::test_a_standing_hazard_is_called_again_when_it_was_moot",
    ),
    fault(
        "a what-if moves an event to before it is armed",
        "stepper.py",
        "due = max(self.now, self.moved.get(name, due))",
        "due = self.moved.get(name, due)",
        "stepper.py::test_a_moved_event_happens_when_it_is_armed_if_its_date_is_past",
    ),
    fault(
        "of two actions of an event the last is done first",
        "scenario.py",
        "triggers = [action for action in event.action if action in self.ladder.triggers]",
        "triggers = [action for action in event.action[::-1] if action in self.ladder.triggers]",
        "stepper.py::test_several_actions_are_done_one_after_the_other",
    ),
    fault(
        "the status of a pair is the milder of the two",
        "trajectory.py",
        "return max(held, key=self.scenario.ladder.severity.__getitem__)",
        "return min(held, key=self.scenario.ladder.severity.__getitem__)",
        "stepper.py::test_never_takes_pairs_for_the_more_severe_of_their_two_missions",
    ),
    fault(
        "`never` is judged in the midst of a tick",
        "replay.py",
        "    return trajectory.status_at(who, tick) in trajectory.scenario.ladder.resolve(names)\n",
        "    passed = {move.dest for step in trajectory.steps if step.tick == tick for move in step.moves if move.mission == who}\n"
        "    return bool({trajectory.status_at(who, tick), *passed} & trajectory.scenario.ladder.resolve(names))\n",
        "stepper.py::test_never_is_judged_when_time_passes",
    ),
    fault(
        "history has a dated event happen again when it is called again on its date",
        "draws.py",
        "due >= now and event.id not in fired else None",
        "due >= now else None",
        "stepper.py::test_a_dated_event_happens_once_in_a_replay_although_it_repeats_and_is_called_again_on_its_date",
    ),
    fault(
        "chance says yes at its threshold, not only below (`<=` for `<`)",
        "draws.py",
        "if x2 >= int(self.process.chance[e]):",
        "if x2 > int(self.process.chance[e]):",
        "draws.py::test_chance_and_choices_are_cut_at_the_very_word[stepper]",
    ),
    fault(
        "the share of an option ends one word late (`<=` for `<`)",
        "draws.py",
        "if word < int(cut))",
        "if word <= int(cut))",
        "draws.py::test_chance_and_choices_are_cut_at_the_very_word[stepper]",
    ),
    fault(
        "chance says yes at its threshold, in the kernel alone",
        "kernel.py",
        "refused = U(q[field(DRAWN, words) + j] >= p.laws[row + CHANCE])",
        "refused = U(q[field(DRAWN, words) + j] > p.laws[row + CHANCE])",
        "draws.py::test_chance_and_choices_are_cut_at_the_very_word[kernel]",
    ),
    fault(
        "the share of an option ends one word late, in the kernel alone",
        "kernel.py",
        "o += U(q[field(WORD, words) + j] >= p.cut[c * p.g.most + i])",
        "o += U(q[field(WORD, words) + j] > p.cut[c * p.g.most + i])",
        "draws.py::test_chance_and_choices_are_cut_at_the_very_word[kernel]",
    ),
    fault(
        "a moot event calls those that follow it, in the kernel alone",
        "kernel.py",
        "(z[row_of(CALLS, words, w) + l] & z[LIVE * ROW + l])",
        "(z[row_of(CALLS, words, w) + l])",
        "kernel.py::test_kernel_and_stepper_agree_where_every_rule_counts_in_few_events",
    ),
    fault(
        "a gate that shuts leaves the clock, in the kernel alone",
        "kernel.py",
        "act = z[row_of(ACT, words, w) + l] & ~bit & ~barred & z[hold + l]",
        "act = z[row_of(ACT, words, w) + l] & ~bit & ~barred",
        "kernel.py::test_kernel_and_stepper_agree_where_every_rule_counts_in_few_events",
    ),
    fault(
        "a forecast draws the delay of what is open as if nothing were known, in the stepper alone",
        "draws.py",
        "arming.least + (word * rest >> 64)",
        "word",
        "given.py::test_kernel_and_stepper_agree_where_everything_is_open[5]",
    ),
    fault(
        "a forecast draws the delay of what is open as if nothing were known, in both",
        "given.py",
        "Arming(_share(yes, weight), least)",
        "Arming(_share(yes, weight), 0)",
        "given.py::test_chance_is_weighed_by_bayes_in_whole_numbers",
    ),
    fault(
        "a forecast leaves out Bayes for chance",
        "given.py",
        "Arming(_share(yes, weight), least)",
        "Arming(chance, least)",
        "given.py::test_chance_is_weighed_by_bayes_in_whole_numbers",
    ),
    fault(
        "a forecast leaves out Bayes for choices",
        "given.py",
        "tuple(_share(each, total) for each in accumulate(weights))",
        "tuple(cuts[1:])",
        "given.py::test_forecasts_are_the_worlds_in_which_history_went_as_it_did",
    ),
    fault(
        "what is due on the very morning of a forecast has come about before (`>` for `>=`)",
        "given.py",
        "if due(self.process, e, now, middle) >= until:",
        "if due(self.process, e, now, middle) > until:",
        "given.py::test_what_is_due_on_the_very_morning_is_open",
    ),
    fault(
        "of an event that chance refused, the kernel's forecasts take the clock of its first arming",
        "openings.py",
        "            at = at[~yes]\n",
        "",
        "given.py::test_kernel_and_stepper_agree_where_everything_is_open[5]",
    ),
    fault(
        "a status that is passed through within a tick counts for `reach`",
        "worlds.py",
        "lasting = end > start",
        "lasting = end >= start",
        "questions.py::test_a_status_in_which_no_time_passes_is_not_reached[envoys_recalled-0]",
    ),
    fault(
        "what comes about exactly `within` a time does not count",
        "questions.py",
        "condition.within.ticks + 1",
        "condition.within.ticks",
        "questions.py::test_questions_are_counted_as_a_slow_reader_counts_them",
    ),
    fault(
        "questions take the milder mission of a pair",
        "worlds.py",
        "inside[columns.max(axis=1)]",
        "inside[columns.min(axis=1)]",
        "questions.py::test_questions_are_counted_as_a_slow_reader_counts_them",
    ),
    fault(
        "who is watched in vain is not at risk in that hour (Kaplan-Meier)",
        "intervals.py",
        "risk = leaving.sum() - np.cumsum(leaving) + leaving",
        "risk = leaving.sum() - np.cumsum(leaving) + events",
        "questions.py::test_kaplan_meier_is_that_of_scipy",
    ),
    fault(
        "the plain interval takes the place of Wilson's",
        "intervals.py",
        "    low = 0.0 if count == 0 else max(0.0, centre - half)\n",
        "    centre, half = share, Z * math.sqrt(share * (1 - share) / n)\n    low = 0.0 if count == 0 else max(0.0, centre - half)\n",
        "variants.py::test_wilsons_interval_is_wilsons",
    ),
    fault(
        "twins are compared as if they were strangers (no correlation in the paired interval)",
        "intervals.py",
        "tied = (both * neither - gained * lost) / math.sqrt(spread) if spread else 0.0",
        "tied = 0.0",
        "effects.py::test_a_paired_interval_is_narrower_than_two_single_ones_and_no_point",
    ),
    fault(
        "a gate that shuts leaves a refusal standing, where all states are looked at",
        "rules.py",
        "(after, called, refused & held, closed, happened)",
        "(after, called, refused, closed, happened)",
        "exact.py::test_a_gate_that_shuts_and_opens_gives_another_chance",
    ),
    fault(
        "what chance may refuse is never looked at as running",
        "rules.py",
        "for share, no in ((yes, 0), (1 - yes, 1 << e)) if share]",
        "for share, no in ((yes == 1, 0), (1 - yes, 1 << e)) if share]",
        "explore.py::test_what_chance_may_refuse_is_looked_at_both_ways",
    ),
    fault(
        "a state that is come to again at another time keeps its hull",
        "explore.py",
        "            if wider == known:\n",
        "            if known:\n",
        "explore.py::test_a_state_come_to_again_has_the_hull_of_both_ways",
    ),
    fault(
        "of two events due together, exploration lets the last in the file go first",
        "explore.py",
        "last - (f < e)",
        "last - (f > e)",
        "explore.py::test_of_two_events_due_together_the_first_in_the_file_goes_first",
    ),
    fault(
        "a run that is shown need not stay where it breaks a line",
        "witness.py",
        "        after.append((last, place, 1))  # so that time passes there\n",
        "        pass\n",
        "findings.py::test_what_is_odd_about_a_file_is_said_in_these_words[never_left_at_once]",
    ),
    fault(
        "of clocks that are set together the later one may be due first",
        "explore.py",
        "            if e in later:  #",
        "            if False:  #",
        "findings.py::test_what_is_odd_about_a_file_is_said_in_these_words[tie_of_clocks]",
    ),
    fault(
        "an absence that had not ended counts as ended",
        "rates.py",
        "[each.ended for each in mine]",
        "[True for _ in mine]",
        "rates.py::test_the_laws_are_those_of_the_reference",
    ),
    fault(
        "an absence that begins while the other side is away leads too",
        "spells.py",
        "all(since > last.get(group, -1.0) for group in mine)",
        "True",
        "spells.py::test_an_absence_lasts_from_the_first_day_away_to_the_ambassador_back",
    ),
]


def table() -> list[str]:
    """Give the list as the lines of a Markdown table."""
    rows = [(each.said, f"`{each.file}`", "<br>".join(f"`{test.removeprefix('tests/')}`" for test in each.tests)) for each in FAULTS]
    return [f"| {' | '.join(row)} |" for row in (("Fault", "In", "Test that turns red"), ("---",) * 3, *rows)]


if __name__ == "__main__":
    print("\n".join(table()))
