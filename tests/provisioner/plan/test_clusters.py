"""Clusters: one for each cause, the dangerous first."""

from __future__ import annotations

from connectors.records import Change, Risk
from provisioner.plan.clusters import cluster


def change(key: str, risk: Risk = "safe") -> Change:
    return Change(kind="license.assign", user=key, key=key, risk=risk)


def test_destructive_clusters_stand_first_and_then_those_of_the_most_people() -> None:
    clusters, _ = cluster(
        [
            (change("a"), "few"),
            (change("b"), "many"),
            (change("c"), "many"),
            (change("d", "destructive"), "left"),
            (change("e", "service"), "moved"),
        ]
    )

    assert [(c.id, c.title, c.people) for c in clusters] == [
        ("c1", "left", 1),
        ("c2", "moved", 1),
        ("c3", "many", 2),
        ("c4", "few", 1),
    ]


def test_a_cluster_has_the_highest_risk_of_its_changes_and_counts_people_once() -> None:
    (only,), changes = cluster([(change("a"), "x"), (change("a", "destructive"), "x")])

    assert (only.risk, only.people) == ("destructive", 1)
    assert [c.cluster for c in changes] == ["c1", "c1"]


def test_changes_keep_their_order() -> None:
    _, changes = cluster([(change("b"), "x"), (change("a", "destructive"), "y")])

    assert [c.key for c in changes] == ["b", "a"]
    assert [c.cluster for c in changes] == ["c2", "c1"]
