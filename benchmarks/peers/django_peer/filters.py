"""What clients may filter by: django-scim2's own attributes, and the two that it leaves to a site."""

from django_scim import filters


class Users(filters.UserFilterQuery):
    """Filters of users."""

    attr_map = filters.UserFilterQuery.attr_map | {("externalId", None, None): "scim_external_id"}


class Groups(filters.GroupFilterQuery):
    """Filters of groups."""

    attr_map = {("displayName", None, None): "name"}  # noqa: RUF012 - as the library has it
