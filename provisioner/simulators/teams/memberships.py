"""Who is in which group: whoever comes or goes has their licenses worked out in the background."""

from __future__ import annotations

from .account import Tenant


def set_member(tenant: Tenant, group: str, member: str, *, inside: bool) -> bool:
    """Put a user into a group or take them out; return whether that changed anything."""
    state, now = tenant.state, tenant.now_s()
    if inside:
        changed = state.run("INSERT OR IGNORE INTO members VALUES (?, ?)", group, member)
    else:
        changed = state.run("DELETE FROM members WHERE group_id = ? AND member = ?", group, member)
    if changed:
        queue(tenant, group)
        sign = "+" if inside else "-"
        state.changed("group", group, "changed", ("members", f"{sign}{member}"), now)
    return bool(changed)


def queue(tenant: Tenant, group: str) -> None:
    """Have the group's licenses worked out anew after the usual delay."""
    due = tenant.now_s() + tenant.options.group_delay_s
    tenant.state.run("UPDATE groups SET due = ? WHERE id = ?", due, group)
