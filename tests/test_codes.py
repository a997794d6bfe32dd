"""The table of codes: what ships is sound and complete, a map is laid over it, and what is wrong with one is said with its place."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from escsim import actions
from escsim.codes import IGNORE, NAME, SHIPPED, STATE, Codes, Party, Who, load
from escsim.errors import ScenarioError
from escsim.ladder import load_shipped

CODES = Codes()


def test_every_root_of_cameo_and_every_type_of_plover_is_mapped() -> None:
    for code in [*(f"{root:02}" for root in range(1, 21)), *get_args(actions.Plover)]:
        assert CODES.meaning(code), code


def test_what_ships_passes_the_checks_of_a_map() -> None:
    shipped = load(SHIPPED)
    assert (shipped.actions, shipped.roles, shipped.both_ways) == (CODES.actions, CODES.roles, CODES.both_ways)


def test_a_code_that_ships_never_settles_what_became_of_a_mission() -> None:
    words = actions.shipped()
    assert not [code for code, meaning in CODES.actions.items() if len(meaning) == 1 and meaning[0] != IGNORE and words[meaning[0]].moves_missions]


def test_recall_downgrade_and_break_are_among_what_161_may_be() -> None:
    may_be = set(CODES.meaning("161") or ())
    assert {"recall_for_consultations", "recall_envoy", "downgrade_relations", "sever_relations"} <= may_be
    assert may_be - {"expel_diplomats"} <= set(load_shipped("missions").triggers)


@pytest.mark.parametrize(
    ("code", "meaning"),
    [
        ("1951", "strike"),  # of 195
        ("1999", "use_of_force"),  # of 19
        ("041", "phone_call"),
        ("SANCTION/convict", "legal_action"),
        (" sanction/Convict ", "legal_action"),
        ("CONSULT/over tea", "talks"),
    ],
)
def test_the_longest_prefix_wins(code: str, meaning: str) -> None:
    assert CODES.meaning(code) == (meaning,)


@pytest.mark.parametrize("code", ["42", "0", "", "21", "16111", "1,6", "SANKTION", "/", "٠٤١", "16 1", "161.0"])
def test_what_is_no_code_has_no_meaning(code: str) -> None:
    assert CODES.meaning(code) is None


IRAN, PAKISTAN = Who("IRN", "Iran"), Who("PAK", "Pakistan")


@pytest.mark.parametrize(
    ("party", "who"),
    [
        # GDELT: name, code, country
        (Party("ISLAMABAD", "PAK", "PAK"), PAKISTAN),
        (Party("MINISTRY OF DEFENCE", "IRNMIL", "IRN"), IRAN),
        (Party("PARLIAMENT", "PAKOPPLEG", "PAK"), PAKISTAN),
        (Party("MILITANT", "PAKREB", "PAK"), Who("rebels_pak", "Rebels (Pakistan)")),
        (Party("INSURGENT", "INSREB"), Who("insurgents", "Insurgents")),
        (Party("KURD", "IRQKUR", "IRQ"), Who("kurd", "KURD")),
        (Party("UNITED NATIONS", "IGOUNO"), Who("united_nations", "UNITED NATIONS")),
        (Party("EUROPE", "EUR", "EUR"), Who("europe", "EUROPE", known=False)),
        (Party("BUCHAREST", "ROM", "ROM"), Who("ROU", "Romania")),
        # ICEWS: name, country, sectors
        (Party("Iran", "", "Iran"), IRAN),
        (Party("Foreign Affairs (Iran)", "", "Iran", "Foreign Ministry,Executive,Government"), IRAN),
        (Party("Citizen (Iran)", "", "Iran", "General Population / Civilian / Social,Social"), Who("citizen_iran", "Citizen (Iran)")),
        (Party("Jaish al-Adl", "", "Iran", "Dissident"), Who("jaish_al_adl", "Jaish al-Adl")),
        (Party("United Nations"), Who("united_nations", "United Nations", known=False)),
        # POLECAT: name, country, sector
        (Party("Shehbaz Sharif", "", "PAK", "GOV"), PAKISTAN),
        (Party("", "", "PAK", "MIL"), PAKISTAN),
        (Party("Taliban", "", "AFG", "REB"), Who("taliban", "Taliban")),
        # one column for names and codes
        (Party("IRN", "IRN"), IRAN),
        (Party("IRNGOV", "IRNGOV"), IRAN),
        (Party("TURKEY", "TURKEY"), Who("TUR", "Turkey")),
        (Party("Iran", "Iran"), IRAN),
        (Party("GOV", "GOV"), Who("gov", "GOV", known=False)),
        (Party("XYZ", "XYZ"), Who("xyz", "XYZ", known=False)),
        (Party("Талибан", "Талибан"), Who("party_6d601b80", "Талибан", known=False)),
        (Party("1 May Movement", "1 May Movement"), Who("party_1_may_movement", "1 May Movement", known=False)),
        (Party(""), None),
    ],
)
def test_who_is_meant(party: Party, who: Who | None) -> None:
    assert CODES.who(party) == who


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "map.yaml"
    path.write_text(text, "utf-8")
    return path


def test_a_map_is_laid_over_what_ships(tmp_path: Path) -> None:
    codes = load(
        written(
            tmp_path,
            'codes: {"161": recall_envoy, "05": ignore}\nroles: {KUR: kurds, REB: state}\n'
            "actors: {Tehran: IRN, EU: {key: eu, name: European Union}, Somebody: ignore, Persia: {key: IRN, name: Persia}}\n",
        )
    )
    assert codes.meaning("1611") == ("recall_envoy",)
    assert codes.meaning("051") == (IGNORE,)
    assert codes.meaning("055") == ("apology",)
    assert codes.who(Party("TEHRAN", "IRN", "IRN")) == IRAN
    assert codes.who(Party("Mayor", "", "Tehran", "GOV")) == IRAN
    assert codes.who(Party("EU")) == Who("eu", "European Union")
    assert codes.who(Party("somebody", "PAK", "PAK")) is None
    assert codes.who(Party("Persia")) == Who("IRN", "Persia")
    assert codes.who(Party("KURD", "IRQKUR", "IRQ")) == Who("kurds_irq", "Kurds (Iraq)")
    assert codes.who(Party("MILITANT", "PAKREB", "PAK")) == PAKISTAN


def test_what_is_wrong_with_a_map_is_said_with_its_place(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        """\
codes:
  161: recall_envoy
  "161": recal_envoy
  SANKTION: demand
  "0": demand
  "17": [ignore, demand]
  "18": "do something"
  "19": declare_war
actor: {Persia: IRN}
actors: {X: 12, Y: {key: IRN, nam: Iran}}
roles: {REB: Rebels}
both_ways: [visit, ignore]
""",
    )
    with pytest.raises(ScenarioError) as refused:
        load(path)
    assert (
        str(refused.value).replace(str(path), "map.yaml")
        == """\
map.yaml:2:3: error: a key must be text
    put it in quotes
map.yaml:3:10: error: unknown action 'recal_envoy'
    did you mean 'recall_envoy'?
map.yaml:4:3: error: unknown type 'SANKTION'
    did you mean 'SANCTION'?
map.yaml:5:3: error: codes.0: a code of event data is wanted, not '0'
    of CAMEO two to four digits in quotes, "161"; of PLOVER a type, with or without a mode: SANCTION/expel
map.yaml:6:9: error: `ignore` stands alone
    "17": ignore
map.yaml:7:9: error: codes.18: a name is wanted, not the text 'do something'
    small letters, digits and _, at most 64, a letter first: second_strike
map.yaml:8:9: error: unknown action 'declare_war'
    `escsim list --actions` names them all
map.yaml:9:1: error: unknown key 'actor'
    did you mean 'actors'?
map.yaml:10:13: error: actors.X: a text or a mapping of keys to values is wanted, not the number 12
map.yaml:10:31: error: actors.Y: unknown key 'nam'
    did you mean 'name'?
map.yaml:11:14: error: roles.REB: a name is wanted, not the text 'Rebels'
    small letters, digits and _, at most 64, a letter first: second_strike
map.yaml:12:20: error: unknown action 'ignore'
    `escsim list --actions` names them all"""
    )


def test_a_map_of_which_nothing_is_left_is_refused_too(tmp_path: Path) -> None:
    lines = "\n".join(f'  "{code}": demand' for code in range(300, 700))
    with pytest.raises(ScenarioError, match=r"a code of event data is wanted, not '300'"):
        load(written(tmp_path, f"codes:\n{lines}\n"))


def test_the_words_for_roles_are_names_of_parties() -> None:
    assert {STATE, NAME} <= set(CODES.roles.values())
    assert "any" not in CODES.roles.values()
