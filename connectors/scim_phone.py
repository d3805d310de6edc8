"""The schema extensions that say which phone a person should have.

`PHONE` is ours: every entitlement of a mapping as an attribute that an identity provider can push and
a mapping can read. `ZOOM` is the extension of Zoom's own SCIM service, accepted as it is, so that a
connector which was set up for Zoom can be pointed here (Zoom, "SCIM2 API", create a user; Zoom
Support, "SCIM attributes for provisioning phone users").
"""

from __future__ import annotations

from connectors.scim_attribute import Attribute

PHONE = "urn:ietf:params:scim:schemas:extension:phone:2.0:User"
"""Schema URN of our phone extension."""
ZOOM = "urn:ietf:params:scim:schemas:extension:zoom:1.0:User"
"""Schema URN under which Zoom's SCIM service takes its phone attributes."""
ZOOM_READ = "urn:us:zoom:scim:schemas:extension:1.0:ZoomUser"
"""Schema URN under which Zoom's SCIM service lists how a user logs in."""


def _text(name: str, description: str, *, several: bool = False, exact: bool = False) -> Attribute:
    return Attribute(name, multi_valued=several, case_exact=exact, description=description)


PHONE_ATTRIBUTES = (
    _text("license", "The phone license, by the phone system's own name."),
    _text("packages", "The calling packages, by the phone system's own names.", several=True),
    _text("site", "The site that the phone belongs to, by name."),
    _text("template", "The settings template, by name."),
    _text("extension", "The internal extension number."),
    _text("number", "The direct number in E.164, or the name of a pool that gives one."),
    _text("delegates", "Who answers for this person: userNames, keys or mails.", several=True),
    _text("delegatePrivileges", "What delegates may do.", several=True),
    Attribute("credits", "boolean", description="Whether a communication-credit license is due."),
    _text("softphone", "The computer that may place direct outbound calls."),
)
"""What a mapping can give (DESIGN section 4), as attributes."""

_ZOOM_LOGIN = (
    Attribute("workEmail", "boolean", description="By mail address and password."),
    Attribute("sso", "boolean", description="By single sign-on."),
)

ZOOM_ATTRIBUTES = (
    _text("zoomPhoneExtNumber", 'The extension number; "0" has one assigned.'),
    _text("zoomPhoneSite", "The site's display name."),
    _text("zoomPhoneCallingPlan", 'The calling plan; "-1" removes all.'),
    _text("zoomPhoneNumber", "The phone number."),
    _text("zoomPhoneCallingPlanSubscription", "The subscription that the calling plan is from."),
    Attribute("loginType", "complex", sub=_ZOOM_LOGIN, description="How the user logs in."),
)
"""What Zoom's SCIM service documents of phones."""
