"""One connector in the hands of many threads: each thing is asked for once, and nobody gets another's."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import urlsplit

import pytest
import requests

from connectors.errors import PersonError, RunError, TransientError
from connectors.phone.zoom.auth import Api
from connectors.phone.zoom.catalog import Lookups
from connectors.phone.zoom.kept import Kept
from connectors.phone.zoom.reading import Reader
from connectors.records import PhoneUser

THREADS = 16
NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
T = TypeVar("T")
EXPIRED = 401, {"code": 124, "message": "Access token is expired."}
PLANS = 200, {"calling_plans": [{"type": 100, "name": "Metered", "subscribed": 9, "assigned": 1}]}


def at_once(work: Callable[[int], T]) -> list[T]:
    """Do the work in many threads, and return what they return; raise what one raises."""
    found: dict[int, T] = {}
    failures: list[BaseException] = []
    ready = threading.Barrier(THREADS)

    def run(number: int) -> None:
        ready.wait()
        try:
            found[number] = work(number)
        except BaseException as error:  # noqa: BLE001 - raised below
            failures.append(error)

    threads = [threading.Thread(target=run, args=(n,)) for n in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for error in failures:
        raise error
    return [found[number] for number in range(THREADS)]


class Crowd:
    """Tells when all threads have come: to a lock that it stands for, or to ask the time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._here: set[int] = set()
        self._all = threading.Event()

    def come(self) -> None:
        """Note that this thread is here."""
        self._here.add(threading.get_ident())
        if len(self._here) == THREADS:
            self._all.set()

    def wait(self) -> None:
        """Wait for all; a program in which they never come together is wrong, and shows it then."""
        self._all.wait(timeout=5)

    def now(self) -> datetime:
        self.come()
        return NOW

    def __enter__(self) -> None:
        self.come()
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


class Vendor:
    """A carrier of requests that answers itself; threads may meet in it.

    `answers`: by path, what answers (status and body); `gates`: by path, what an answer waits for.
    """

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.tokens: list[str] = []
        self.answers: dict[str, Callable[[str], tuple[int, Any]]] = {}
        self.gates: dict[str, Callable[[], object]] = {}
        self._lock = threading.Lock()

    def __call__(
        self,
        method: str,
        url: str,
        *,
        label: str = "",
        check: Callable[[requests.Response], None],
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        json: Any = None,
        data: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
    ) -> requests.Response:
        path = urlsplit(url).path
        with self._lock:
            self.asked[path] += 1
            number = self.asked[path]
        token = (headers or {}).get("Authorization", "").removeprefix("Bearer ")
        self.tokens += [token] if token else []
        self.gates.get(path, lambda: None)()
        given = self.answers.get(path)
        status, body = given(token) if given else (200, {"access_token": f"token-{number}"})
        response = made(method, url, status, body)
        check(response)
        return response


def made(method: str, url: str, status: int, body: Any) -> requests.Response:
    response = requests.Response()
    response.status_code = status
    response._content = json.dumps(body).encode()
    response.request = requests.Request(method, url).prepare()
    return response


@pytest.fixture
def vendor() -> Vendor:
    return Vendor()


def api_of(vendor: Vendor, now: Callable[[], datetime] = lambda: NOW) -> Api:
    return Api(
        vendor, now, api_url="https://zoom.test/v2", token_url="https://zoom.test/token",
        account_id="acme", client=("app", "s3cr3t"),
    )  # fmt: skip


@pytest.fixture
def api(vendor: Vendor) -> Api:
    return api_of(vendor)


def test_threads_that_need_a_token_ask_for_one(vendor: Vendor, api: Api) -> None:
    crowd = Crowd()
    api._token._lock = crowd  # type: ignore[assignment]
    vendor.answers["/v2/users"] = lambda _: (200, {})
    vendor.gates["/token"] = crowd.wait

    at_once(lambda _: api.get("/users", label="x"))

    assert vendor.asked["/token"] == 1
    assert set(vendor.tokens) == {"token-1"}


def test_a_token_that_expires_under_many_requests_is_renewed_once(vendor: Vendor, api: Api) -> None:
    together = threading.Barrier(THREADS)

    def answer(token: str) -> tuple[int, Any]:
        if token != "token-1":
            return 200, {}
        together.wait()  # all are on their way with the old one
        return EXPIRED

    vendor.answers["/v2/users"] = answer

    at_once(lambda _: api.get("/users", label="x"))

    assert vendor.asked["/token"] == 2
    assert Counter(vendor.tokens) == {"token-1": THREADS, "token-2": THREADS}


@pytest.mark.parametrize(("status", "error"), [(401, RunError), (503, TransientError)])
def test_threads_whose_token_is_refused_do_not_ask_one_after_the_other(
    vendor: Vendor, api: Api, status: int, error: type[Exception]
) -> None:
    vendor.answers["/token"] = lambda _: (status, {"reason": "no"})

    def ask(_: int) -> Exception:
        with pytest.raises(error) as caught:
            api.get("/users", label="x")
        return caught.value

    errors = at_once(ask)

    assert vendor.asked["/token"] == 1
    assert len({str(each) for each in errors}) == 1
    assert len(set(map(id, errors))) == THREADS  # what each tells of its past is its own


def test_a_token_that_was_refused_is_asked_for_again_later(vendor: Vendor) -> None:
    now = [NOW]
    api = api_of(vendor, lambda: now[0])
    vendor.answers["/v2/users"] = lambda _: (200, {})
    vendor.answers["/token"] = lambda _: (503, {})
    with pytest.raises(TransientError):
        api.get("/users", label="x")
    del vendor.answers["/token"]
    now[0] += timedelta(seconds=2)

    api.get("/users", label="x")

    assert vendor.tokens == ["token-2"]


def test_what_many_threads_look_up_is_asked_for_once(vendor: Vendor) -> None:
    crowd = Crowd()
    lookups = Lookups(api_of(vendor, crowd.now))
    vendor.answers["/v2/phone/calling_plans"] = lambda _: PLANS
    vendor.gates["/v2/phone/calling_plans"] = crowd.wait

    plans = at_once(lambda _: lookups.plan("metered").kind)

    assert plans == [100] * THREADS
    assert vendor.asked["/v2/phone/calling_plans"] == 1


def test_what_many_threads_look_up_in_vain_is_asked_for_once_more(vendor: Vendor, api: Api) -> None:
    lookups = Lookups(api)
    vendor.answers["/v2/phone/calling_plans"] = lambda _: PLANS
    lookups.plans()
    together = threading.Barrier(THREADS)

    def look() -> list[object]:
        found = [plan for plan in lookups.plans() if plan.name == "new"]
        if vendor.asked["/v2/phone/calling_plans"] == 1:
            together.wait()  # all have looked at the old answer
        return list(found)

    at_once(lambda _: lookups._kept.search("plans", look))

    assert vendor.asked["/v2/phone/calling_plans"] == 2


def test_a_lookup_that_fails_fails_for_those_who_wait_and_is_tried_by_the_next(
    vendor: Vendor, api: Api
) -> None:
    lookups = Lookups(api)
    vendor.answers["/v2/phone/calling_plans"] = lambda _: (500, {})

    for _ in range(2):
        with pytest.raises(TransientError):
            lookups.plans()
    assert vendor.asked["/v2/phone/calling_plans"] == 2

    vendor.answers["/v2/phone/calling_plans"] = lambda _: PLANS
    assert [plan.kind for plan in lookups.plans()] == [100]


def test_what_is_forgotten_while_it_is_asked_for_is_not_kept() -> None:
    kept = Kept(lambda: NOW, timedelta(minutes=5))

    def outdated() -> str:
        kept.forget("user")
        return "old"

    assert kept.get("user", outdated) == "old"
    assert kept.get("user", lambda: "new") == "new"


def test_an_error_that_waiting_threads_share_is_each_ones_own() -> None:
    crowd = Crowd()
    kept = Kept(crowd.now, timedelta(minutes=5))

    def fail() -> str:
        crowd.wait()
        raise PersonError("there is no such plan", remedy="order it")

    def ask(_: int) -> BaseException:
        try:
            raise TransientError("a lost reply", in_doubt=True)
        except TransientError:
            with pytest.raises(PersonError) as caught:
                kept.get("plan", fail)
            return caught.value

    errors = at_once(ask)

    assert {str(error) for error in errors} == {"there is no such plan;\n    order it"}
    assert len(set(map(id, errors))) == THREADS


def test_threads_that_read_some_ask_for_the_lists_sizes_once(vendor: Vendor, api: Api) -> None:
    crowd, reader = Crowd(), Reader(api, Lookups(api))
    reader._sizing = crowd  # type: ignore[assignment]
    vendor.gates["/v2/users"] = crowd.wait
    for path in ("/v2/users", "/v2/phone/users"):
        vendor.answers[path] = lambda _: (200, {"users": [], "total_records": 90_000})
    users = [PhoneUser(f"p{n}", email=f"p{n}@example.org") for n in range(30)]
    for user in users:
        vendor.answers[f"/v2/users/{user.id}"] = lambda _: (404, {"code": 1001, "message": "none"})
        vendor.answers[f"/v2/users/{user.email}"] = vendor.answers[f"/v2/users/{user.id}"]

    assert at_once(lambda _: list(reader.read_some(users))) == [[]] * THREADS

    assert (vendor.asked["/v2/users"], vendor.asked["/v2/phone/users"]) == (1, 1)
