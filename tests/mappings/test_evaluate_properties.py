"""Whatever the mapping and the people: remembered decisions are those of reading rule by rule."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.records import ENTERPRISE, Person, fold
from connectors.scim_filter import USER, parse_filter, parse_path
from mappings import Mapping, PoolRef, load_mapping
from mappings.entitlements import MANY
from mappings.signature import signature

TESTS = (
    'groups.display eq "Sales"',
    'groups.display eq "ops"',
    'groups.display ne "Sales"',
    'groups.value eq "g1"',
    'groups.display sw "s"',
    'groups[display eq "Sales" and value eq "g1"]',
    'groups[type eq "direct"].display eq "Ops"',
    "groups pr",
    'location eq "Brno"',
    'location ne "Brno"',
    'addresses.locality eq "brno"',
    "addresses pr",
    "addresses.primary eq false",
    'addresses[primary eq true].locality eq "Brno"',
    'title eq "CEO"',
    'title ne "ceo"',
    'title gt "B"',
    "title pr",
    "title eq null",
    "active eq true",
    "active ne false",
    'department eq "HR"',
    'manager eq "m1"',
    "name pr",
    'givenName co "v"',
    'emails.value ew "@x.org"',
    'externalId eq "Ab"',
)
TEXTS = (
    "{location}",
    "{addresses.locality}",
    "{title}",
    "{givenName}-{title}",
    "{manager}",
    "{email}",
)
LITERALS = st.sampled_from(("A", "a", "B", "C", "Brno", "CEO"))
NAMES = LITERALS | st.sampled_from(TEXTS)

filters = st.recursive(
    st.sampled_from(TESTS),
    lambda inner: st.one_of(
        inner.map(lambda f: f"not ({f})"),
        st.tuples(inner, st.sampled_from(("and", "or")), inner).map(
            lambda t: f"({t[0]}) {t[1]} ({t[2]})"
        ),
    ),
    max_leaves=4,
)
gives = st.fixed_dictionaries(
    {},
    optional={
        "license": NAMES,
        "site": NAMES,
        "number": st.just({"pool": "p"}) | st.just("+49891234"),
        "credits": st.booleans(),
        "packages": st.lists(NAMES, max_size=3),
        "delegates": st.lists(NAMES, max_size=3),
    },
)
whole = st.sampled_from(("license", "site", "number", "credits", "packages", "delegates"))
struck = st.fixed_dictionaries(
    {}, optional={name: st.lists(LITERALS, max_size=2) for name in ("packages", "delegates")}
)
takes = st.lists(whole, max_size=2) | struck | st.tuples(whole, struck).map(list)
rules = st.builds(
    lambda when, give, persona, take, exclusive: {
        "when": when,
        "give": give,
        **({"persona": persona} if persona else {}),
        **({"take": without_contradiction(give, take)} if take else {}),
        **({"exclusive": exclusive} if exclusive else {}),
    },
    filters,
    gives,
    st.sampled_from((None, "one", "two", "three")),
    st.none() | takes,
    st.sampled_from((None, None, None, True)) | st.lists(whole, max_size=2),
)


def taken(take: Any) -> tuple[set[str], dict[str, set[str]]]:
    """Return what a `take` takes whole, and the folded values that it strikes from each list."""
    names: set[str] = set()
    values: dict[str, set[str]] = {}
    for each in take if isinstance(take, list) else [take or {}]:
        if isinstance(each, str):
            names.add(each)
        else:
            for name, texts in each.items():
                values.setdefault(name, set()).update(map(fold, texts))
    return names, values


def without_contradiction(give: dict[str, Any], take: Any) -> list[Any]:
    """Return a take that takes nothing that stands beside it."""
    names, values = taken(take)
    single = {name for name in names if name in ("packages", "delegates") or name not in give}
    beside = {name: set(map(fold, give.get(name, ()))) for name in values}
    return [*sorted(single), {n: sorted(v - beside[n]) for n, v in values.items()}]


def persona_of(give: dict[str, Any], take: Any) -> dict[str, Any]:
    return give if take is None else {**give, "take": without_contradiction(give, take)}


@st.composite
def mappings(draw: st.DrawFn) -> dict[str, Any]:
    several = draw(st.lists(rules, max_size=5))
    wanted = [r for r in several if r["give"] or r.keys() & {"persona", "exclusive"}]
    content: dict[str, Any] = {
        "version": 1,
        "rules": [{"name": f"r{n}", **rule} for n, rule in enumerate(wanted)],
        "personas": {
            "one": {"license": "P1", "packages": ["A", "P"]},
            "two": draw(gives) or {"site": "P2"},
            "three": {"extends": "two", **persona_of(draw(gives), draw(st.none() | takes))},
        },
        "defaults": draw(gives),
        "profile": draw(
            st.fixed_dictionaries({}, optional={"display_name": NAMES, "email": NAMES})
        ),
    }
    if draw(st.booleans()):
        content["scope"] = draw(filters)
    return content


def maybe(**parts: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=parts)


names = st.sampled_from(("Sales", "sales", "Ops", "Staff", "Brno", "BRNO", "Prague"))
people = st.builds(
    Person,
    st.uuids().map(str),
    maybe(
        groups=st.lists(
            maybe(display=names, value=st.sampled_from(("g1", "G1", "g2")), type=st.just("direct")),
            max_size=3,
        ),
        addresses=st.lists(
            maybe(locality=names, type=st.just("work"), primary=st.booleans()), max_size=2
        ),
        emails=st.lists(
            maybe(value=st.sampled_from(("a@x.org", "b@y.org")), type=st.just("work")), max_size=2
        ),
        title=st.sampled_from(("CEO", "ceo", "Analyst"))
        | st.lists(st.just("CEO"), min_size=1, max_size=2),
        name=maybe(givenName=st.sampled_from(("Eva", "Jan"))),
        active=st.booleans() | st.sampled_from((0, 1, "true")),
        externalId=st.sampled_from(("Ab", "ab")),
        **{
            ENTERPRISE: maybe(
                department=st.sampled_from(("HR", "hr", "IT")),
                manager=maybe(value=st.sampled_from(("m1", "m2"))),
            )
        },
    ),
)


def load(content: dict[str, Any]) -> Mapping:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "m.yaml"
        file.write_text(json.dumps(content), encoding="utf-8")  # JSON is YAML
        return load_mapping(file)


def filled(text: Any, person: Person) -> Any:
    """Return a given value for a person, None where an attribute is missing."""
    if not isinstance(text, str):
        return PoolRef(text["pool"]) if isinstance(text, dict) else text
    for braces in ("location", "addresses.locality", "title", "givenName", "manager", "email"):
        if f"{{{braces}}}" in text:
            found = parse_path(braces, USER).values(person.resource)
            if not found:
                return None
            text = text.replace(f"{{{braces}}}", str(found[0]))
    return text


ALL = {"license", "site", "number", "credits", "packages", "delegates"}


def layers(
    content: dict[str, Any], person: Person
) -> Iterator[tuple[str, dict[str, Any], set[str], dict[str, set[str]], set[str]]]:
    """Yield the chain: (rule, what is given, taken whole, struck, exclusive from here on)."""
    for rule in content["rules"]:
        if not parse_filter(rule["when"], USER).matches(person.resource):
            continue
        yield rule["name"], rule["give"], *taken(rule.get("take")), set()
        persona = content["personas"].get(rule.get("persona"))
        while persona is not None:
            give = {n: v for n, v in persona.items() if n not in ("extends", "take")}
            yield rule["name"], give, *taken(persona.get("take")), set()
            persona = content["personas"].get(persona.get("extends"))
        exclusive = rule.get("exclusive") or ()
        yield rule["name"], {}, set(), {}, ALL if exclusive is True else set(exclusive)
    yield "defaults", content["defaults"], set(), {}, set()


NONE = object()


def asked(content: dict[str, Any], person: Person) -> list[tuple[str, str, Any, set[str]]]:
    """Return (entitlement, rule, what is given, what is struck) of all that matches, from the top."""
    found: list[tuple[str, str, Any, set[str]]] = []
    closed: set[str] = set()
    struck: dict[str, set[str]] = {}
    for rule, give, whole, values, exclusive in layers(content, person):
        mentioned = {name for name, _, _, _ in found}
        for name, value in give.items():
            if name not in closed and not (rule == "defaults" and name in mentioned):
                found.append((name, rule, value, set(struck.get(name, ()))))
        found += [(n, rule, NONE, set()) for n in whole - closed if n not in MANY]
        closed |= exclusive | (whole & set(MANY))
        for name, texts in values.items():
            struck.setdefault(name, set()).update(texts)
    return found


def naively(content: dict[str, Any], person: Person) -> tuple[Any, ...]:
    """Decide rule by rule, with nothing remembered."""
    single: dict[str, Any] = {}
    many: dict[str, dict[str, str]] = {}
    decided: set[str] = set()
    left_alone: set[str] = set()
    for name, rule, value, struck in asked(content, person):
        if isinstance(value, list):
            for each in value:
                text = filled(each, person)
                if text is None:
                    left_alone.add(name)
                elif fold(text) in struck:
                    continue
                elif fold(text) not in map(fold, many.get(name, ())):
                    many.setdefault(name, {})[text] = rule
        elif name not in decided:
            decided.add(name)
            text = value if value is NONE else filled(value, person)
            if text is NONE:
                continue
            if text is None:
                left_alone.add(name)
            else:
                single[name] = (text, rule)
    profile = {n: (filled(t, person), "profile") for n, t in content["profile"].items()}
    left_alone |= {f"profile.{n}" for n, (text, _) in profile.items() if text is None}
    return single, many, {n: g for n, g in profile.items() if g[0] is not None}, left_alone


@settings(max_examples=150, deadline=None)
@given(mappings(), st.lists(people, min_size=1, max_size=25))
def test_what_is_remembered_is_what_reading_rule_by_rule_would_decide(
    content: dict[str, Any], several: list[Person]
) -> None:
    mapping = load(content)
    scope = parse_filter(content["scope"], USER) if "scope" in content else None

    for person in several:
        entitled = mapping.entitlements(person)
        found = (entitled.single, entitled.many, entitled.profile, entitled.left_alone)
        assert found == naively(content, person)
        assert {name for name, _, _ in entitled.missing} == entitled.left_alone
        expected = scope is None or scope.matches(person.resource)
        assert mapping.in_scope(person) == (expected and person.resource.get("active") is not False)


@settings(max_examples=150, deadline=None)
@given(st.lists(filters, min_size=1, max_size=4), st.lists(people, min_size=2, max_size=30))
def test_people_of_one_signature_match_the_same_filters(
    texts: list[str], several: list[Person]
) -> None:
    read = [parse_filter(text, USER) for text in texts]
    bits = signature(each.tree for each in read)
    matched: dict[int, list[bool]] = {}

    for person in several:
        found = [each.matches(person.resource) for each in read]
        assert matched.setdefault(bits(person.resource), found) == found


@settings(max_examples=100, deadline=None)
@given(mappings(), people)
def test_a_loser_stands_below_its_winner_and_gives_nothing_of_what_it_lost(
    content: dict[str, Any], person: Person
) -> None:
    mapping = load(content)
    entitled = mapping.entitlements(person)
    order = [*(rule.name for rule in mapping.rules), "defaults"]

    for lost in mapping.losers(person):
        assert order.index(lost.winner) < order.index(lost.rule)
        single = entitled.single.get(lost.entitlement)
        assert single is None or single.rule == lost.winner
        assert entitled.many.get(lost.entitlement, {}).get(str(lost.value)) != lost.rule


@settings(max_examples=60, deadline=None)
@given(mappings())
def test_the_hash_does_not_know_the_order_of_keys(content: dict[str, Any]) -> None:
    turned = {name: content[name] for name in reversed(content)}
    turned["rules"] = [dict(reversed(rule.items())) for rule in content["rules"]]

    assert load(turned).sha256 == load(content).sha256
