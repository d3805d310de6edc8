"""The core Group (RFC 7643 sections 4.2 and 8.7.1)."""

from __future__ import annotations

from connectors.scim_attribute import Attribute

CORE_GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
"""Schema URN of the core Group."""

GROUP_ATTRIBUTES = (
    # Section 4.2 requires it, although section 8.7.1 prints false.
    Attribute("displayName", required=True, description="The group's name, for people to read."),
    Attribute(
        "members",
        "complex",
        multi_valued=True,
        description="Who is in the group. Entries can be added and removed, not changed.",
        sub=(
            Attribute(
                "value",
                case_exact=True,
                required=True,
                mutability="immutable",
                description="The member's id.",
            ),
            Attribute(
                "$ref",
                "reference",
                case_exact=True,
                mutability="immutable",
                references=("User", "Group"),
                description="Where the member is.",
            ),
            Attribute(
                "type",
                mutability="immutable",
                canonical=("User", "Group"),
                description="What the member is.",
            ),
            Attribute("display", mutability="readOnly", description="The member's name."),
        ),
    ),
)
