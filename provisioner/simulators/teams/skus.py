"""The products and service plans of Microsoft's that have to do with phones, by their GUIDs.

Part numbers are no keys: two products are called MCOPSTN5. Only phone-related service plans are
listed: a suite has many more.
Source: Microsoft, "Product names and service plan identifiers for licensing".
"""

from __future__ import annotations

import uuid
from typing import NamedTuple


class Product(NamedTuple):
    """A product (SKU): GUID, part number, display name, what it is for, its service plans' GUIDs."""

    id: str
    part: str
    name: str
    role: str
    plans: tuple[str, ...]


PLANS: dict[str, str] = {
    "4828c8ec-dc2e-4779-b502-87ac9ce28ab7": "MCOEV",
    "4ed3ff63-69d7-4fb7-b984-5aec7f605ca8": "MCOPSTN1",
    "5a10155d-f5c1-411a-a8ec-e99aae125390": "MCOPSTN2",
    "54a152dc-90de-4996-93d2-bc47e670fc06": "MCOPSTN5",
    "9a0125a5-c8f8-4526-b231-49e2abe0ebce": "Skype for Business PSTN Calling Domestic Small",
    "754aec36-45fc-4eaa-bcaf-44f6cb1f553c": "MCOSMS5",
    "1346d5e6-15a6-4b88-9693-806ff7296a7a": "PSTN5_US",
    "346d83bf-6fe6-42ca-b424-b9300d2e21bf": "MCOPSTN6",
    "505e180f-f7e0-4b65-91d4-00d670bbd18c": "MCOPSTNC",
    "6b340437-d6f9-4dc5-8cc2-99163f7f83d6": "MCOPSTN3",
    "156a1efe-17cd-4b03-9f17-2eb512298fb3": "MCOPSTN_PAYG_1",
    "2b9bf4f4-ac52-42c5-8456-f70ee4924295": "MCOSMS_PAYG_1",
    "3e26ee1f-8a5f-4d52-aee2-b81ce45c8f40": "MCOMEETADV",
    "bb038288-76ab-49d6-afc1-eaa6c222c65a": "MCOMEETACPEA",
    "9974d6cf-cd24-4ba2-921c-e2aa687da846": "MCOMEETBASIC",
    "ed777b71-af04-42ca-9798-84344c66f7c6": "MCOEVSMB",
    "f47330e9-c134-43b3-9993-e7f004506889": "MCOEV_VIRTUALUSER",
    "0feaeb32-d00e-4d66-bd5a-43b5b83db82c": "MCOSTANDARD",
    "57ff2da0-773e-42df-b2af-ffb7a2317929": "TEAMS1",
    "16935b20-87c0-4908-934a-22aa267d0d26": "MCOPSTN8",
    "afc06cb0-b4f4-4473-8286-d644f70d8faf": "MCOIMP",
    "f4f2f6de-6830-442b-a433-e92249faebe2": "TeamsEss",
}
"""Service plans: name by GUID."""

PLAN_IDS = {name: id_ for id_, name in PLANS.items()}

_LISTED: tuple[tuple[str, str, str, str, str], ...] = (
    (
        "e43b5b99-8dfb-405f-9987-dc307f34bcbd",
        "MCOEV",
        "Microsoft Teams Phone Standard",
        "teams_phone",
        "MCOEV",
    ),
    (
        "0dab259f-bf13-4952-b7f8-7db8f131b28d",
        "MCOPSTN1",
        "Skype for Business PSTN Domestic Calling",
        "calling_plan_domestic",
        "MCOPSTN1",
    ),
    (
        "d3b4fe1f-9992-4930-8acb-ca6ec609365e",
        "MCOPSTN2",
        "Skype for Business PSTN Domestic and International Calling",
        "calling_plan_domestic_international",
        "MCOPSTN2",
    ),
    (
        "54a152dc-90de-4996-93d2-bc47e670fc06",
        "MCOPSTN5",
        "Skype for Business PSTN Domestic Calling (120 Minutes)",
        "calling_plan_domestic_120",
        "MCOPSTN5",
    ),
    (
        "d43177b5-475b-4880-92d4-d54c27b5efbd",
        "MCOPSTN5",
        "Skype for Business PSTN Calling Domestic Small",
        "calling_plan_domestic_120",
        "Skype for Business PSTN Calling Domestic Small",
    ),
    (
        "11dee6af-eca8-419f-8061-6864517c1875",
        "MCOPSTN_5",
        "Microsoft 365 Domestic Calling Plan (120 min)",
        "calling_plan_domestic_120",
        "MCOPSTN5|MCOSMS5",
    ),
    (
        "d13e9d1b-316a-4946-98c6-362c97a4fdfe",
        "MCOPSTN5_US",
        "Microsoft 365 Domestic Calling Plan (120 minutes) - US",
        "calling_plan_domestic_120_us",
        "PSTN5_US",
    ),
    (
        "729dbb8f-8d56-4994-8e33-2f218f549544",
        "MCOPSTN_6",
        "Microsoft Teams Domestic Calling Plan (240 min)",
        "calling_plan_domestic_240",
        "MCOPSTN6",
    ),
    (
        "47794cd0-f0e5-45c5-9033-2eb6b5fc84e0",
        "MCOPSTNC",
        "Communications Credits",
        "communications_credits",
        "MCOPSTNC",
    ),
    (
        "06b48c5f-01d9-4b18-9015-03b52040f51a",
        "MCOPSTNPP",
        "Skype for Business PSTN Usage Calling Plan",
        "pstn_usage_calling_plan_payg",
        "MCOPSTN3",
    ),
    (
        "dbd31205-338e-4dec-903d-44402e305e32",
        "Microsoft_Teams_Calling_Plan_pay_as_you_go_(country_zone_1)",
        "Microsoft Teams Calling Plan pay-as-you-go (country zone 1)",
        "calling_plan_payg",
        "MCOPSTN_PAYG_1|MCOSMS_PAYG_1",
    ),
    (
        "9b196e97-5830-4c2e-adc2-1e10ebf5dee5",
        "Microsoft_Teams_Calling_Plan_pay_as_you_go_(country_zone_1_US)",
        "Microsoft Teams Calling Plan pay-as-you-go (country zone 1 - US)",
        "calling_plan_payg",
        "MCOPSTN_PAYG_1",
    ),
    (
        "0c266dff-15dd-4b49-8397-2bb16070ed52",
        "MCOMEETADV",
        "Microsoft 365 Audio Conferencing",
        "audio_conferencing",
        "MCOMEETADV",
    ),
    (
        "df9561a4-4969-4e6a-8e73-c601b68ec077",
        "MCOMEETACPEA",
        "Microsoft 365 Audio Conferencing Pay-Per-Minute - EA",
        "audio_conferencing_per_minute",
        "MCOMEETACPEA",
    ),
    (
        "1c27243e-fb4d-42b1-ae8c-fe25c9616588",
        "Microsoft_Teams_Audio_Conferencing_select_dial_out",
        "Microsoft Teams Audio Conferencing with dial-out to USA/CAN",
        "audio_conferencing_select",
        "MCOMEETBASIC",
    ),
    (
        "ae2343d1-0999-43f6-ae18-d816516f6e78",
        "MCOTEAMS_ESSENTIALS",
        "Teams Phone with Calling Plan",
        "teams_phone_with_calling_plan",
        "MCOEV|MCOPSTN1",
    ),
    (
        "aa6791d3-bb09-4bc2-afed-c30c3fe26032",
        "MCOEVSMB_1",
        "Microsoft Teams Phone Standard for Small and Medium Business",
        "teams_phone_smb",
        "MCOEVSMB",
    ),
    (
        "d979703c-028d-4de5-acbf-7955566b69b9",
        "MCOEV_FACULTY",
        "Microsoft Teams Phone Standard for Faculty",
        "teams_phone_edu",
        "MCOEV",
    ),
    (
        "1f338bbc-767e-4a1e-a2d4-b73207cc5b93",
        "MCOEV_STUDENT",
        "Microsoft Teams Phone Standard for Students",
        "teams_phone_edu",
        "MCOEV",
    ),
    (
        "440eaaa8-b3e0-484b-a8be-62870b9ba70a",
        "PHONESYSTEM_VIRTUALUSER",
        "Microsoft Teams Phone Resource Account",
        "resource_account",
        "MCOEV_VIRTUALUSER",
    ),
    (
        "295a8eb0-f78d-45c7-8b5b-1eed5ed02dff",
        "MCOCAP",
        "Microsoft Teams Shared Devices",
        "shared_device",
        "MCOEV|MCOSTANDARD|TEAMS1",
    ),
    (
        "4cde982a-ede4-4409-9ae6-b003453c8ea6",
        "Microsoft_Teams_Rooms_Pro",
        "Microsoft Teams Rooms Pro",
        "room",
        "MCOEV|MCOMEETADV|MCOSTANDARD|TEAMS1",
    ),
    (
        "6af4b3d6-14bb-4a2a-960c-6c902aad34f3",
        "Microsoft_Teams_Rooms_Basic",
        "Microsoft Teams Rooms Basic",
        "room",
        "MCOMEETADV|TEAMS1",
    ),
    (
        "4fb214cb-a430-4a91-9c91-4976763aa78f",
        "MTR_PREM",
        "Teams Rooms Premium",
        "room",
        "MCOEV|MCOMEETADV|MCOSTANDARD|TEAMS1",
    ),
    (
        "e5a17adf-8f0d-4b57-bc14-d331235f9307",
        "BUSINESS_VOICE",
        "Microsoft 365 Business Voice (UK)",
        "bundle_legacy",
        "MCOEV|MCOMEETADV|MCOPSTN1",
    ),
    (
        "a6051f20-9cbc-47d2-930d-419183bf6cf1",
        "BUSINESS_VOICE_MED2",
        "Microsoft 365 Business Voice",
        "bundle_legacy",
        "MCOEV|MCOMEETADV|MCOPSTN1",
    ),
    (
        "d52db95a-5ecb-46b6-beb0-190ab5cda4a8",
        "BUSINESS_VOICE_DIRECTROUTING",
        "Microsoft 365 Business Voice (without Calling Plan)",
        "bundle_legacy",
        "MCOEV|MCOMEETADV",
    ),
    (
        "18181a46-0d4e-45cd-891e-60aabd171b4e",
        "STANDARDPACK",
        "Office 365 E1",
        "base_licence",
        "MCOSTANDARD|TEAMS1",
    ),
    (
        "6fd2c87f-b296-42f0-b197-1e91e994b900",
        "ENTERPRISEPACK",
        "Office 365 E3",
        "base_licence",
        "MCOSTANDARD|TEAMS1",
    ),
    (
        "c7df2760-2c81-4ef7-b578-5b5392b571df",
        "ENTERPRISEPREMIUM",
        "Office 365 E5",
        "base_licence",
        "MCOEV|MCOMEETADV|MCOSTANDARD|TEAMS1",
    ),
    (
        "26d45bd9-adf1-46cd-a9e1-51e9a5524128",
        "ENTERPRISEPREMIUM_NOPSTNCONF",
        "Office 365 E5 Without Audio Conferencing",
        "base_licence",
        "MCOEV|MCOSTANDARD|TEAMS1",
    ),
    (
        "05e9a617-0261-4cee-bb44-138d3ef5d965",
        "SPE_E3",
        "Microsoft 365 E3",
        "base_licence",
        "MCOSTANDARD|TEAMS1",
    ),
    (
        "06ebc4ee-1bb5-47dd-8120-11324bc54e06",
        "SPE_E5",
        "Microsoft 365 E5",
        "base_licence",
        "MCOEV|MCOMEETADV|MCOSTANDARD|TEAMS1",
    ),
    (
        "cd2925a3-5076-4233-8931-638a8c94f773",
        "SPE_E5_NOPSTNCONF",
        "Microsoft 365 E5 without Audio Conferencing",
        "base_licence",
        "MCOEV|MCOSTANDARD|TEAMS1",
    ),
    (
        "a91fc4e0-65e5-4266-aa76-4037509c1626",
        "SPE_E5_CALLINGMINUTES",
        "Microsoft 365 E5 with Calling Minutes",
        "base_licence",
        "MCOEV|MCOMEETADV|MCOPSTN8|MCOSTANDARD|TEAMS1",
    ),
    (
        "66b55226-6b4f-492c-910c-a3b7a3c9d993",
        "SPE_F1",
        "Microsoft 365 F3",
        "base_licence",
        "MCOIMP|TEAMS1",
    ),
    (
        "44575883-256e-4a79-9da4-ebe9acabe2b2",
        "M365_F1",
        "Microsoft 365 F1",
        "base_licence",
        "MCOIMP|TEAMS1",
    ),
    (
        "4b585984-651b-448a-9e53-3b10f069cf7f",
        "DESKLESSPACK",
        "Office 365 F3",
        "base_licence",
        "MCOIMP|TEAMS1",
    ),
    (
        "3b555118-da6a-4418-894f-7df1e2096870",
        "O365_BUSINESS_ESSENTIALS",
        "Microsoft 365 Business Basic",
        "base_licence",
        "MCOSTANDARD|TEAMS1",
    ),
    (
        "f245ecc8-75af-4f8e-b61f-27d8114de5f3",
        "O365_BUSINESS_PREMIUM",
        "Microsoft 365 Business Standard",
        "base_licence",
        "MCOSTANDARD|TEAMS1",
    ),
    (
        "cbdc14ab-d96c-4c30-b9f4-6ada7cdc1d46",
        "SPB",
        "Microsoft 365 Business Premium",
        "base_licence",
        "MCOSTANDARD|TEAMS1",
    ),
    (
        "3ab6abff-666f-4424-bfb7-f0bc274ec7bc",
        "TEAMS_ESSENTIALS_AAD",
        "Microsoft Teams Essentials (AAD Identity)",
        "base_licence",
        "MCOIMP|TEAMS1",
    ),
    (
        "fde42873-30b6-436b-b361-21af5a6b84ae",
        "Teams_Ess",
        "Microsoft Teams Essentials",
        "base_licence",
        "TeamsEss",
    ),
    (
        "7e31c0d9-9551-471d-836f-32ee72be4a01",
        "Microsoft_Teams_Enterprise_New",
        "Microsoft Teams Enterprise",
        "base_licence",
        "MCOIMP|TEAMS1",
    ),
    (
        "7e74bd05-2c47-404e-829a-ba95c66fe8e5",
        "Microsoft_Teams_EEA_New",
        "Microsoft Teams EEA",
        "base_licence",
        "MCOIMP|TEAMS1",
    ),
    (
        "dcf0408c-aaec-446c-afd4-43e3683943ea",
        "Microsoft_365_E3_(no_Teams)",
        "Microsoft 365 E3 (no Teams)",
        "base_licence",
        "MCOSTANDARD",
    ),
    (
        "18a4bd3f-0b5b-4887-b04f-61dd0ee15f5e",
        "Microsoft_365_E5_(no_Teams)",
        "Microsoft 365 E5 (no Teams)",
        "base_licence",
        "MCOEV|MCOMEETADV|MCOSTANDARD",
    ),
)

PRODUCTS: dict[str, Product] = {
    id_: Product(id_, part, name, role, tuple(PLAN_IDS[plan] for plan in plans.split("|")))
    for id_, part, name, role, plans in _LISTED
}

TEAMS = frozenset({PLAN_IDS["TEAMS1"]})
PHONE = frozenset({PLAN_IDS["MCOEV"], PLAN_IDS["MCOEVSMB"]})
CALLING = frozenset(
    plan
    for product in PRODUCTS.values()
    if "calling_plan" in product.role and product.role != "teams_phone_with_calling_plan"
    for plan in product.plans
    if "SMS" not in PLANS[plan]
) | {PLAN_IDS["MCOPSTN8"]}
CONFERENCING = frozenset(PLAN_IDS[name] for name in ("MCOMEETADV", "MCOMEETACPEA", "MCOMEETBASIC"))
CREDITS = "47794cd0-f0e5-45c5-9033-2eb6b5fc84e0"
"""The product Communications Credits."""

NEEDS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(sorted(PHONE), tuple(sorted(TEAMS))),
    **dict.fromkeys(sorted(CALLING), tuple(PLAN_IDS[name] for name in ("MCOEV", "MCOEVSMB"))),
    **dict.fromkeys(
        sorted(CONFERENCING), tuple(PLAN_IDS[name] for name in ("TEAMS1", "MCOSTANDARD", "MCOIMP"))
    ),
}
"""Which service plans an add-on's plan depends on: any one of them. Inside a suite nothing is checked."""

SUITES = frozenset({"base_licence", "room", "shared_device", "bundle_legacy"})
"""Roles of products that bring what their own plans need, or live without."""

TEAMS_PHONE = "e43b5b99-8dfb-405f-9987-dc307f34bcbd"
BASE = "05e9a617-0261-4cee-bb44-138d3ef5d965"
_BY_NAME = {product.name.casefold(): product for product in PRODUCTS.values()} | {
    "teams_phone": PRODUCTS[TEAMS_PHONE]
}
_PARTS: dict[str, list[Product]] = {}
for _product in PRODUCTS.values():
    _PARTS.setdefault(_product.part.casefold(), []).append(_product)


def product_named(name: str) -> Product:
    """Return the product of that GUID, display name, or part number where only one has it.

    `teams_phone` is Teams Phone Standard. A product that is not listed is made up, always the same for
    the same name, with one service plan of its own.
    """
    folded = name.casefold()
    found = PRODUCTS.get(folded) or _BY_NAME.get(folded)
    if found is None and len(_PARTS.get(folded, ())) == 1:
        found = _PARTS[folded][0]
    return found or _made_up(name)


def _made_up(name: str) -> Product:
    try:
        id_ = str(uuid.UUID(name))
    except ValueError:
        id_ = str(uuid.uuid5(uuid.NAMESPACE_URL, f"product:{name.casefold()}"))
    part = "".join(c if c.isalnum() else "_" for c in name).upper()
    return Product(id_, part, name, "other", (str(uuid.uuid5(uuid.NAMESPACE_URL, f"plan:{id_}")),))
