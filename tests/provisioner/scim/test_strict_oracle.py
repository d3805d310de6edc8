"""scim2-tester before a receiver that refuses what no schema knows: correct clients notice nothing."""

from __future__ import annotations

from scim2_client.engines.wsgi import WSGISCIMClient
from scim2_tester import Status, check_server

from provisioner.scim.schemas import Registry
from provisioner.store.direct import Direct
from tests.provisioner.scim.http_client import application
from tests.scenarios.scim.test_oracles import NOT_OURS


def test_every_check_succeeds_where_unknown_attributes_are_refused(
    store: Direct, sync: str
) -> None:
    app = application(store, sync, default=sync, registry=Registry.make(unknown="refuse"))
    results = check_server(WSGISCIMClient(app, base_url="http://localhost/scim/v2"))

    refused = {
        result.reason
        for result in results
        if result.status is not Status.SUCCESS
        and not (
            result.title == "check_add_attribute" and (result.data or {}).get("urn") in NOT_OURS
        )
    }
    assert not refused
    assert len(results) >= 190
