"""The carrier of requests: what is tried again, what is waited for, and what never gets out."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
import responses
from urllib3.exceptions import MaxRetryError, SSLError

import provisioner.http
from connectors.errors import ProvisionerError, RunError, TransientError
from connectors.records import Http, Rate
from provisioner.http import CallRecord, Patience, make_http, retry_after_s
from provisioner.rates import Limiter

URL = "https://vendor.example/v2/users"
SECRET = "s3cr3t-t0ken"
PATIENT = Patience()


class World:
    """A clock that moves only when somebody sleeps, and what was recorded."""

    def __init__(self) -> None:
        self.now = 0.0
        self.limiter = Limiter(self.clock, jitter=lambda _, most: most)
        self.meanwhile: list[Callable[[], object]] = []  # what others do while somebody sleeps
        self.oversleep_s = 0.0
        self.slept: list[float] = []
        self.calls: list[CallRecord] = []

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds + self.oversleep_s
        if self.meanwhile:
            self.meanwhile.pop(0)()

    def http(self, *, patience: Patience = PATIENT, rates: dict[str, Rate] | None = None) -> Http:
        return make_http(
            self.calls.append,
            self.limiter,
            self.sleep,
            account="acme",
            rates=rates,
            patience=patience,
            clock=self.clock,
            jitter=lambda _, most: most,
        )


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def vendor() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock() as mock:
        yield mock


def check(response: requests.Response) -> None:
    """What a connector makes of statuses."""
    if response.status_code == 429:
        raise TransientError("busy", alone=b"concurrent" in response.content)
    if response.status_code >= 500:
        raise TransientError("broken", in_doubt=True)
    if response.status_code >= 400:
        raise RunError("wrong")


@contextmanager
def answering(*answers: bytes | None) -> Iterator[str]:
    """Serve raw bytes on the loopback address, one for each connection; None: close without any."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def run() -> None:
            for answer in answers:
                connection, _ = server.accept()
                with connection:
                    connection.recv(65536)
                    if answer is not None:
                        connection.sendall(answer)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/v2/users"
        thread.join()


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"
TRUNCATED = b"HTTP/1.1 200 OK\r\nContent-Length: 200\r\n\r\n{"
CUT_CHUNK = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\r\n"


def test_an_answer_comes_back_as_it_is(world: World, vendor: responses.RequestsMock) -> None:
    vendor.get(URL, json={"users": []})

    assert world.http()("get", URL, check=check).json() == {"users": []}
    assert world.slept == []


def test_every_try_is_recorded_without_its_query(
    world: World, vendor: responses.RequestsMock
) -> None:
    vendor.get(URL, status=503)
    vendor.get(URL, status=200)

    http = world.http(rates={"light": Rate(1000)})
    http("GET", f"{URL}?access_token={SECRET}", label="light", check=check)

    assert world.calls == [
        CallRecord("acme", "light", "GET", "/v2/users", 503, 0.0, reads=True),
        CallRecord("acme", "light", "GET", "/v2/users", 200, 0.0, reads=True),
    ]


def test_the_back_off_doubles_up_to_its_cap(world: World, vendor: responses.RequestsMock) -> None:
    vendor.get(URL, status=500)

    with pytest.raises(TransientError, match="broken"):
        world.http(patience=Patience(tries=9))("GET", URL, check=check)

    assert world.slept == [0.5, 1, 2, 4, 8, 16, 30, 30]


def test_no_try_is_made_beyond_the_total_time(world: World, vendor: responses.RequestsMock) -> None:
    vendor.get(URL, status=500)

    with pytest.raises(TransientError):
        world.http(patience=Patience(tries=99, total_s=10))("GET", URL, check=check)

    assert world.now <= 10


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_a_write_in_doubt_is_sent_once(
    world: World, vendor: responses.RequestsMock, method: str
) -> None:
    vendor.add(method, URL, status=502)

    with pytest.raises(TransientError) as caught:
        world.http()(method, URL, check=check, json={})

    assert caught.value.in_doubt
    assert len(world.calls) == 1


def test_a_write_that_was_turned_away_is_sent_again(
    world: World, vendor: responses.RequestsMock
) -> None:
    vendor.post(URL, status=429)
    vendor.post(URL, status=201)

    assert world.http()("POST", URL, check=check, json={}).status_code == 201


def test_an_error_that_is_not_transient_is_not_tried_again(
    world: World, vendor: responses.RequestsMock
) -> None:
    vendor.get(URL, status=403)

    with pytest.raises(RunError, match="wrong"):
        world.http()("GET", URL, check=check)
    assert len(world.calls) == 1


def test_retry_after_in_seconds_is_waited_for(world: World, vendor: responses.RequestsMock) -> None:
    vendor.get(URL, status=429, headers={"Retry-After": "7"})
    vendor.get(URL, status=200)

    world.http()("GET", URL, check=check)

    assert 7 <= world.now <= 8


def test_retry_after_as_a_date_counts_from_the_answers_own_date(
    world: World, vendor: responses.RequestsMock
) -> None:
    dates = {
        "Date": "Wed, 21 Oct 2015 07:28:00 GMT",
        "Retry-After": "Wed, 21 Oct 2015 07:28:20 GMT",
    }
    vendor.get(URL, status=503, headers=dates)
    vendor.get(URL, status=200)

    world.http()("GET", URL, check=check)

    assert 20 <= world.now <= 21


def test_a_retry_after_beyond_the_bound_is_handed_on_at_once(
    world: World, vendor: responses.RequestsMock
) -> None:
    vendor.get(URL, status=429, headers={"Retry-After": "3600"})

    with pytest.raises(TransientError) as caught:
        world.http()("GET", URL, check=check)

    assert caught.value.retry_after_s == 3600
    assert world.slept == []


def test_the_connectors_own_figure_wins_over_the_header(
    world: World, vendor: responses.RequestsMock
) -> None:
    vendor.get(URL, status=429, headers={"Retry-After": "1"})

    def strict(_: requests.Response) -> None:
        raise TransientError("for today", retry_after_s=5000)

    with pytest.raises(TransientError) as caught:
        world.http()("GET", URL, check=strict)

    assert caught.value.retry_after_s == 5000


@pytest.mark.parametrize("text", ["", "soon", "-5", "١٢", "1.5", "Wed, 99 Oct 2015 07:28:00 GMT"])
def test_a_retry_after_that_cannot_be_read_asks_for_nothing(text: str) -> None:
    assert retry_after_s(asking(text)) is None


def test_a_retry_after_in_the_past_asks_for_no_wait() -> None:
    assert retry_after_s(asking("Wed, 21 Oct 2015 07:28:00 GMT")) == 0


def asking(retry_after: str) -> requests.Response:
    response = requests.Response()
    response.headers["Retry-After"] = retry_after
    return response


def test_a_full_rate_bucket_is_waited_for(world: World, vendor: responses.RequestsMock) -> None:
    vendor.get(URL)
    http = world.http(rates={"heavy": Rate(10)})

    for _ in range(3):
        http("GET", URL, label="heavy", check=check)

    assert world.now == pytest.approx(0.2)


def test_tries_take_places_in_the_rate_too(world: World, vendor: responses.RequestsMock) -> None:
    vendor.get(URL, status=429)
    vendor.get(URL, status=200)

    world.http(rates={"slow": Rate(0.1)})("GET", URL, label="slow", check=check)

    assert world.now == pytest.approx(10)


def test_a_rate_used_up_for_the_day_is_an_error_and_nothing_is_sent(
    world: World, vendor: responses.RequestsMock
) -> None:
    vendor.get(URL)
    http = world.http(rates={"heavy": Rate(10, per_day=1)})
    http("GET", URL, label="heavy", check=check)

    with pytest.raises(TransientError, match="'heavy' of account acme is used up") as caught:
        http("GET", URL, label="heavy", check=check)

    assert 86_400 <= (caught.value.retry_after_s or 0) <= 86_400 + 600
    assert not caught.value.in_doubt
    assert len(world.calls) == 1


ONCE = Patience(tries=1)


def refused(
    world: World, vendor: responses.RequestsMock, rate: Rate = Rate(10), **answer: object
) -> None:
    """Have a request refused with 429, and given up; whoever comes next is served."""
    vendor.get(URL, status=429, **answer)
    vendor.get(URL, status=200)
    with pytest.raises(TransientError):
        world.http(patience=ONCE, rates={"x": rate})("GET", URL, label="x", check=check)


def test_a_429_keeps_everybody_from_its_label_for_as_long_as_it_asks(
    world: World, vendor: responses.RequestsMock
) -> None:
    rates = {"x": Rate(10), "y": Rate(10)}
    refused(world, vendor, headers={"Retry-After": "7"})

    world.http(rates=rates)("GET", URL, label="y", check=check)
    assert world.now == 0
    world.http(rates=rates)("GET", URL, label="x", check=check)
    assert world.now == 7


def test_a_429_without_a_time_keeps_everybody_from_its_label_for_a_moment(
    world: World, vendor: responses.RequestsMock
) -> None:
    refused(world, vendor)

    world.http(rates={"x": Rate(10)})("GET", URL, label="x", check=check)

    assert world.now == 1


def test_a_label_with_a_penalty_rests_for_it(world: World, vendor: responses.RequestsMock) -> None:
    rate = Rate(per_minute=50, penalty_s=60)
    refused(world, vendor, rate)

    world.http(rates={"x": rate})("GET", URL, label="x", check=check)

    assert world.now == 60


def test_a_429_about_one_request_alone_keeps_nobody_else_waiting(
    world: World, vendor: responses.RequestsMock
) -> None:
    refused(world, vendor, body="Too many concurrent requests")

    world.http(rates={"x": Rate(10)})("GET", URL, label="x", check=check)

    assert world.now == pytest.approx(0.1)


def test_a_503_that_asks_for_a_wait_keeps_nobody_else_waiting(
    world: World, vendor: responses.RequestsMock
) -> None:
    vendor.get(URL, status=503, headers={"Retry-After": "7"})
    vendor.get(URL, status=200)
    rates = {"x": Rate(10)}
    with pytest.raises(TransientError):
        world.http(patience=ONCE, rates=rates)("GET", URL, label="x", check=check)

    world.http(rates=rates)("GET", URL, label="x", check=check)

    assert world.now == pytest.approx(0.1)


def test_whoever_waits_for_a_place_when_the_label_is_refused_waits_on(
    world: World, vendor: responses.RequestsMock
) -> None:
    vendor.get(URL)
    rate = Rate(10)
    http = world.http(rates={"x": rate})
    http("GET", URL, label="x", check=check)
    world.meanwhile.append(lambda: world.limiter.penalise("acme", "x", rate, 20))

    http("GET", URL, label="x", check=check)

    assert world.now == pytest.approx(20.08)  # it was refused a moment before the place came


def test_whoever_gives_up_a_refused_label_says_when_to_come_back(
    world: World, vendor: responses.RequestsMock
) -> None:
    vendor.get(URL, status=429)
    http = world.http(patience=ONCE, rates={"x": Rate(per_minute=9, penalty_s=60)})

    with pytest.raises(TransientError) as caught:
        http("GET", URL, label="x", check=check)

    assert caught.value.retry_after_s == 60


def test_whoever_comes_late_to_their_place_takes_another(
    world: World, vendor: responses.RequestsMock
) -> None:
    vendor.get(URL)
    http = world.http(rates={"x": Rate(10)})
    http("GET", URL, label="x", check=check)
    world.oversleep_s = 0.1
    world.meanwhile.append(lambda: setattr(world, "oversleep_s", 0.0))

    http("GET", URL, label="x", check=check)

    assert world.now == pytest.approx(0.2)


def test_whoever_is_always_late_gets_through(world: World, vendor: responses.RequestsMock) -> None:
    vendor.get(URL)
    http = world.http(rates={"x": Rate(10)})
    world.oversleep_s = 0.05

    for _ in range(2):
        assert http("GET", URL, label="x", check=check).status_code == 200


def test_a_label_without_a_rate_is_a_mistake_of_the_connector(world: World) -> None:
    with pytest.raises(KeyError, match="hevay"):
        world.http(rates={"heavy": Rate(10)})("GET", URL, label="hevay", check=check)


def test_a_sleep_that_raises_ends_the_call(vendor: responses.RequestsMock) -> None:
    vendor.get(URL, status=503)

    class Stopped(Exception):
        pass

    def sleep(_: float) -> None:
        raise Stopped

    with pytest.raises(Stopped):
        make_http(None, Limiter(), sleep)("GET", URL, check=check)


@pytest.mark.parametrize("broken", [TRUNCATED, CUT_CHUNK, None, b"nonsense\r\n\r\n"])
def test_a_get_whose_answer_breaks_off_is_sent_again(world: World, broken: bytes | None) -> None:
    with answering(broken, OK) as url:
        assert world.http()("GET", url, check=check).content == b"{}"

    assert [call.status for call in world.calls] == [None, 200]


@pytest.mark.parametrize("broken", [TRUNCATED, CUT_CHUNK, None])
def test_a_write_whose_answer_breaks_off_is_in_doubt(world: World, broken: bytes | None) -> None:
    with answering(broken) as url, pytest.raises(TransientError, match="broke off") as caught:
        world.http()("POST", url, check=check, json={})

    assert caught.value.in_doubt


def test_a_body_that_check_finds_cut_is_fetched_again(world: World) -> None:
    cut = OK.replace(b"Content-Length: 2\r\n", b"").removesuffix(b"}")

    def whole(response: requests.Response) -> None:
        if response.content != b"{}":
            raise TransientError("cut", in_doubt=True)

    with answering(cut, OK) as url:
        assert world.http()("GET", url, check=whole).content == b"{}"


def test_a_refused_connection_is_not_in_doubt(world: World) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/v2/users"

    with pytest.raises(TransientError, match="no connection") as caught:
        world.http()("POST", url, check=check, json={})

    assert not caught.value.in_doubt
    assert len(world.calls) == 6  # nothing was sent, so even a write is tried again


def test_no_connection_in_time_is_not_in_doubt(
    world: World, vendor: responses.RequestsMock
) -> None:
    vendor.post(URL, body=requests.exceptions.ConnectTimeout())

    with pytest.raises(TransientError, match="within 5 s") as caught:
        world.http(patience=Patience(tries=1))("POST", URL, check=check)

    assert not caught.value.in_doubt


def test_no_answer_in_time_is_in_doubt(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provisioner.http, "READ_S", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/v2/users"
        with pytest.raises(TransientError, match="no answer within") as caught:
            world.http()("POST", url, check=check, json={})

    assert caught.value.in_doubt
    assert len(world.calls) == 1


def test_a_certificate_that_is_not_trusted_stops_the_run(
    world: World, vendor: responses.RequestsMock
) -> None:
    reason = SSLError(ssl.SSLCertVerificationError("self-signed"))
    vendor.get(URL, body=requests.exceptions.SSLError(MaxRetryError(None, URL, reason)))  # type: ignore[arg-type]

    with pytest.raises(RunError, match="certificate isn't trusted"):
        world.http()("GET", URL, check=check)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_an_error_and_is_not_followed(
    world: World, vendor: responses.RequestsMock, status: int
) -> None:
    place = f"https://elsewhere.example/in?token={SECRET}"
    vendor.get(URL, status=status, headers={"Location": place})

    with pytest.raises(RunError, match=r"redirected to https://elsewhere\.example/in \(") as caught:
        world.http()("GET", URL, check=check)

    assert SECRET not in str(caught.value)


SPOILS: dict[str, Callable[[Http], object]] = {
    "query": lambda http: http("GET", f"http://127.0.0.1:1/x?token={SECRET}", check=check),
    "params": lambda http: http(
        "GET", "http://127.0.0.1:1/x", params={"token": SECRET}, check=check
    ),
    "header": lambda http: http(
        "GET", "http://127.0.0.1:1/x", headers={"Authorization": f"Bearer {SECRET}\n"}, check=check
    ),
    "odd header": lambda http: http(
        "GET", "http://127.0.0.1:1/x", headers={"Authorization": f"Bearer {SECRET}ž"}, check=check
    ),
    "user": lambda http: http("GET", f"http://me:{SECRET}@127.0.0.1:1/x", check=check),
    "address": lambda http: http("GET", f"http://[{SECRET}/x", check=check),
    "scheme": lambda http: http("GET", f"vendor.example/x?{SECRET}", check=check),
    "body": lambda http: http("POST", "http://127.0.0.1:1/x", data={"p": SECRET}, check=check),
}


@pytest.mark.parametrize("spoil", SPOILS)
def test_no_error_tells_a_secret_nor_carries_one_along(world: World, spoil: str) -> None:
    with pytest.raises(ProvisionerError) as caught:
        SPOILS[spoil](world.http(patience=Patience(tries=2)))

    error: BaseException | None = caught.value
    while error is not None:
        assert SECRET not in f"{error} {error!r}"
        error = error.__cause__ or error.__context__


@pytest.mark.parametrize("spoil", ["header", "odd header", "address", "scheme"])
def test_what_cannot_be_sent_is_no_transient_error(world: World, spoil: str) -> None:
    with pytest.raises(RunError, match="can't be sent"):
        SPOILS[spoil](world.http())


def test_our_token_goes_out_although_netrc_knows_the_host(
    world: World,
    vendor: responses.RequestsMock,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login somebody password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    vendor.get(URL)

    world.http()("GET", URL, headers={"Authorization": "Bearer ours"}, check=check)

    assert vendor.calls[0].request.headers["Authorization"] == "Bearer ours"


def test_basic_auth_goes_out_as_such(world: World, vendor: responses.RequestsMock) -> None:
    vendor.post(URL)

    world.http()("POST", URL, auth=("id", "secret"), data={"grant_type": "x"}, check=check)

    assert vendor.calls[0].request.headers["Authorization"] == "Basic aWQ6c2VjcmV0"


def test_a_service_on_this_machine_is_reached_whatever_proxy_is_set(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with answering(OK) as url:
        assert world.http()("GET", url, check=check).status_code == 200


def test_no_cookie_is_kept(world: World) -> None:
    baker = OK.replace(b"Connection", b"Set-Cookie: a=b; Path=/\r\nConnection")
    session = provisioner.http.new_session()
    http = make_http(None, Limiter(), world.sleep, session=session)
    with answering(baker) as url:
        http("GET", url, check=check)

    assert not list(session.cookies)
