"""A sync's ledger: files of purchases and usage as people export them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from connectors.credits import Entry, Table
from connectors.errors import InputError, RunError
from provisioner.credits import digest, read_table
from provisioner.plan.credit_ledger import Ledger


def read(tmp_path: Path, text: str, **columns: str) -> list[tuple[str, str]]:
    path = tmp_path / "usage.csv"
    path.write_text(text, encoding="utf-8")
    return [(str(e.day), str(e.amount)) for e in read_table(path, Table("usage.csv", **columns))]


@pytest.mark.parametrize(
    "text",
    [
        "date,amount\n2026-11-01,12.50\n",
        "\ufeffStart Time;Charge;Currency\n2026-11-01T10:11:12Z;12,50;EUR\n",
        'Currency\tCost\tDay\nEUR\t"12.50"\t2026-11-01\n\n',
        "Usage Date,Charge\n2026-11-01,12.50\n2026-11-02,0\n2026-11-03,0.000\n",
    ],
    ids=["plain", "semicolons and decimal commas", "tabs", "calls that cost nothing"],
)
def test_days_and_amounts_are_found_by_the_names_that_exports_give_them(
    tmp_path: Path, text: str
) -> None:
    assert read(tmp_path, text) == [("2026-11-01", "12.50")]


def test_columns_with_other_names_are_named_in_config(tmp_path: Path) -> None:
    text = "When,What\n2026-11-01,3\n"

    assert read(tmp_path, text, date_column="when", amount_column="What") == [("2026-11-01", "3")]
    with pytest.raises(InputError, match="none of the columns date"):
        read(tmp_path, text)
    with pytest.raises(InputError, match="no column 'Then'; it has: When, What"):
        read(tmp_path, text, date_column="Then", amount_column="What")


def test_every_row_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError) as error:
        read(tmp_path, "date,amount\n2026-13-01,1\n2026-11-01,-2\n2026-11-01\n2026-11-01,4\n")

    assert [problem.where.rpartition(":")[2] for problem in error.value.problems] == ["2", "3", "4"]


def test_a_file_that_is_not_there_is_told_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"nowhere\.csv"):
        read_table(tmp_path / "nowhere.csv", Table("nowhere.csv"))


def test_the_digest_is_of_the_content_and_not_of_its_order() -> None:
    first, second = (Entry(date(2026, 11, day), Decimal(5)) for day in (1, 2))

    assert digest(Ledger((first, second))) == digest(Ledger((second, first)))
    assert digest(Ledger((first,))) != digest(Ledger((), (first,)))
