"""Entity tags and conditions (RFC 7644 section 3.14)."""

from __future__ import annotations

import pytest

from provisioner.scim.errors import ScimError
from provisioner.scim.etag import holds, not_modified, refuse_if, refuse_unless, weak_tag

TAG = weak_tag("a1")


@pytest.mark.parametrize(
    "header", ['W/"a1"', '"a1"', "*", 'W/"x", W/"a1"', ' "x" ,"a1" ', 'w/"a1"', "a1", "W/a1"]
)
def test_a_tag_holds_however_it_is_written(header: str) -> None:
    assert holds(header, TAG)
    refuse_unless(header, TAG)
    assert not_modified(header, TAG)


@pytest.mark.parametrize("header", ['W/"a2"', '"A1"', "", ",", '"', 'W/"', "a1 b", '"a1'])
def test_another_version_or_rubbish_does_not_hold(header: str) -> None:
    assert not holds(header, TAG)
    with pytest.raises(ScimError) as refused:
        refuse_unless(header, TAG)
    assert refused.value.status == 412


def test_a_header_of_blanks_costs_no_more_than_its_length() -> None:
    assert not holds("x" + " " * 3_000_000 + "x", TAG)


def test_a_write_of_what_must_not_be_there_is_refused_where_something_is() -> None:
    with pytest.raises(ScimError) as refused:
        refuse_if("*", TAG)
    assert refused.value.status == 412


def test_without_a_condition_everything_goes_on() -> None:
    refuse_unless(None, TAG)
    refuse_if(None, TAG)
    assert not not_modified(None, TAG)
