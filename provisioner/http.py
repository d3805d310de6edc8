"""The carrier of HTTP requests: what stands behind `connectors.records.Http`.

Whatever is the same for every vendor happens here once: pooled connections, timeouts, rate limits,
tries, and a record of each request. What an answer means only its connector knows, and says so in
`check`, by the error that it raises. A connector that reads the body in `check` and raises a
TransientError for one that breaks off has it fetched again.

Secrets stay in: an error names the method, the host and the path, never a query, a header or a
body, and chains no library error that would; a redirect is refused, because it would carry the
token elsewhere; no cookie is kept, and no .netrc is read.
"""

from __future__ import annotations

import random
import ssl
import time
from collections.abc import Callable, Mapping
from http.cookiejar import DefaultCookiePolicy
from ipaddress import ip_address
from typing import Any, Protocol
from urllib.parse import SplitResult, urlsplit

import msgspec
import requests
from requests.adapters import HTTPAdapter
from requests.exceptions import (
    ConnectTimeout,
    InvalidJSONError,
    ProxyError,
    ReadTimeout,
    SSLError,
)
from urllib3.exceptions import MaxRetryError, NewConnectionError

from connectors.errors import RunError, TransientError, pause_s
from connectors.records import Http, Rate
from provisioner.places import Place

CONNECT_S, READ_S = 5.0, 30.0
BASE_S, CAP_S = 0.5, 30.0
"""The longest pause before the second try, and before any."""
EARLY_S = 0.02
"""Who waits for a place in a rate looks so long before it whether it stands."""
LATE_S, LATE_TIMES = 0.03, 3
"""Who comes to their place in a rate later than this takes another one, so that requests which a busy
machine held up don't leave in a bunch; so many times at most."""


class CallRecord(msgspec.Struct, frozen=True):
    """One request as it was sent: every try makes its own.

    `path` has no query; `status` is None where no answer came; `duration_s` is the time on the
    wire, waiting for a free place not counted. `reads`: it changes nothing, whatever the method.
    """

    account: str
    label: str
    method: str
    path: str
    status: int | None
    duration_s: float
    reads: bool = False


class Limits(Protocol):
    """Whatever shares out the places within a rate (provisioner/rates.py)."""

    def reserve(self, account: str, label: str, rate: Rate, within_s: float) -> Place: ...

    def stands(self, account: str, label: str, rate: Rate, place: Place) -> bool: ...

    def penalise(self, account: str, label: str, rate: Rate, asked_s: float | None) -> float: ...


class Patience(msgspec.Struct, frozen=True):
    """How long one call is kept at: `tries` in all, and `total_s` seconds with all pauses.

    A pause that the other side asks for (Retry-After), or a place in a rate, that lies beyond
    `pause_s` isn't waited for: the TransientError is raised at once, with the figure.
    """

    tries: int = 6
    total_s: float = 300.0
    pause_s: float = 120.0


def new_session(pool: int = 64) -> requests.Session:
    """Return a session that keeps up to `pool` connections to each host, and no cookies."""
    session = requests.Session()
    session.headers["User-Agent"] = "phone-provisioner"
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    for scheme in ("https://", "http://"):
        session.mount(scheme, HTTPAdapter(pool_maxsize=pool, max_retries=0))
    return session


def make_http(
    record: Callable[[CallRecord], None] | None,
    limiter: Limits,
    sleep: Callable[[float], None],
    *,
    account: str = "",
    rates: Mapping[str, Rate] | None = None,
    session: requests.Session | None = None,
    patience: Patience = Patience(),
    clock: Callable[[], float] = time.monotonic,
    jitter: Callable[[float, float], float] = random.uniform,
) -> Http:
    """Return the carrier of one account's requests.

    `rates` are the account's limits by label, shared through `limiter` by every carrier of the same
    account; a label that isn't among them is a KeyError, but "" may be left out: then it has no
    limit. `record` gets a CallRecord for each try. `sleep` gets seconds and may raise, which ends
    the call. `session`: one for all carriers keeps one pool of connections.

    The carrier raises what `check` raises; TransientError for a connection that fails; RunError for
    a redirect, a certificate that isn't trusted, and an address or a header that can't be sent.
    """
    return _Carrier(
        record=record,
        limiter=limiter,
        sleep=sleep,
        account=account,
        rates=dict(rates or {}),
        session=session or new_session(),
        patience=patience,
        clock=clock,
        jitter=jitter,
    )


class _Carrier(msgspec.Struct, frozen=True, kw_only=True):
    record: Callable[[CallRecord], None] | None
    limiter: Limits
    sleep: Callable[[float], None]
    account: str
    rates: dict[str, Rate]
    session: requests.Session
    patience: Patience
    clock: Callable[[], float]
    jitter: Callable[[float, float], float]

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
        method = method.upper()
        body = {"headers": headers, "params": params, "json": json, "data": data, "auth": auth}
        give_up_at = self.clock() + self.patience.total_s
        tries = 0
        while True:
            tries += 1
            self._wait_for_a_place(_name(method, url), label, give_up_at)
            try:
                return self._try(method, url, label, check, body)
            except TransientError as error:
                pause = self._pause(error, tries)
                if (
                    (error.in_doubt and method != "GET")
                    or tries >= self.patience.tries
                    or (error.retry_after_s or 0) > self.patience.pause_s
                    or self.clock() + pause > give_up_at
                ):
                    raise
            self.sleep(pause)

    def _rate(self, label: str) -> Rate | None:
        return self.rates[label] if label else self.rates.get("")

    def _wait_for_a_place(self, what: str, label: str, give_up_at: float) -> None:
        rate = self._rate(label)
        late = 0
        while rate is not None:
            within_s = max(0.0, min(self.patience.pause_s, give_up_at - self.clock()))
            place = self.limiter.reserve(self.account, label, rate, within_s)
            if place.wait_s > within_s:
                raise TransientError(
                    f"{what}: the rate limit {label!r} of account {self.account} is used up",
                    remedy=f"it was not sent; there is room again in {place.wait_s:.0f} s",
                    retry_after_s=place.wait_s,
                )
            if place.wait_s <= 0:
                return
            leave_at = self.clock() + place.wait_s
            if place.wait_s > EARLY_S:
                self.sleep(place.wait_s - EARLY_S)
                if not self.limiter.stands(self.account, label, rate, place):
                    continue  # the vendor has refused the label meanwhile
            if (rest_s := min(EARLY_S, leave_at - self.clock())) > 0:
                self.sleep(rest_s)
            if self.clock() - leave_at <= LATE_S or late == LATE_TIMES:
                return
            late += 1

    def _try(
        self,
        method: str,
        url: str,
        label: str,
        check: Callable[[requests.Response], None],
        body: Mapping[str, Any],
    ) -> requests.Response:
        """Send it once, record it, and let `check` judge the answer."""
        started = self.clock()
        response = None
        try:
            response = self._send(method, url, body)
        finally:
            if self.record is not None:
                status = None if response is None else response.status_code
                parts = _split(url)
                path = parts.path if parts else ""
                took = self.clock() - started
                rate = self._rate(label)
                reads = method == "GET" or (rate is not None and rate.reads)
                record = CallRecord(self.account, label, method, path, status, took, reads)
                self.record(record)
        _refuse_redirect(method, url, response)
        try:
            check(response)
        except TransientError as error:
            if error.retry_after_s is None:
                error.retry_after_s = retry_after_s(response)
            if response.status_code == 429 and not error.alone:
                self._penalise(label, error)
            raise
        return response

    def _penalise(self, label: str, error: TransientError) -> None:
        """Have everybody on the account leave the label alone, whatever they are about to send."""
        rate = self._rate(label)
        if rate is not None:
            paused_s = self.limiter.penalise(self.account, label, rate, error.retry_after_s)
            if error.retry_after_s is None:  # so that whoever gives up knows when to come back
                error.retry_after_s = paused_s

    def _send(self, method: str, url: str, body: Mapping[str, Any]) -> requests.Response:
        try:
            return self.session.request(
                method,
                url,
                **{**body, "auth": body["auth"] or _as_given},
                timeout=(CONNECT_S, READ_S),
                allow_redirects=False,
                proxies=_no_proxy(url),
            )
        except (ValueError, InvalidJSONError):  # never left the house; its text may show a header
            failure: Exception = RunError(
                f"{_name(method, url)} can't be sent",
                remedy="look for a mistake in the address, or a line break in the token",
            )
        except (requests.RequestException, OSError) as error:
            failure = _broken(_name(method, url), error)
        raise failure  # outside of `except`, so that it doesn't carry the library's error along

    def _pause(self, error: TransientError, tries: int) -> float:
        """Return the seconds before the next try: what was asked for, never less than the back-off."""
        back_off = self.jitter(0, min(CAP_S, BASE_S * 2 ** (tries - 1)))
        return back_off + (error.retry_after_s or 0)


def retry_after_s(response: requests.Response) -> float | None:
    """Return the seconds that the answer asks to wait (`pause_s`); None if it doesn't."""
    return pause_s(response.headers.get("Retry-After", ""), response.headers.get("Date", ""))


def _refuse_redirect(method: str, url: str, response: requests.Response) -> None:
    if not 300 <= response.status_code < 400 or "Location" not in response.headers:
        return
    target = _place(requests.compat.urljoin(url, response.headers["Location"]))
    raise RunError(
        f"{_name(method, url)} is redirected to {target} ({response.status_code})",
        remedy="a redirect isn't followed, as it would take the token along: correct the address in config",
    )


def _broken(what: str, error: Exception) -> RunError | TransientError:
    """Return what a failed connection means: may it have taken effect, and is it worth another try?"""
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in _causes(error)):
        return RunError(
            f"{what}: its certificate isn't trusted",
            remedy="name your company's CA bundle in REQUESTS_CA_BUNDLE, or correct the address",
        )
    if isinstance(error, ConnectTimeout):
        return TransientError(f"{what}: no connection within {CONNECT_S:.0f} s")
    if isinstance(error, ProxyError):
        return TransientError(f"{what}: the proxy made no connection")
    if any(isinstance(cause, NewConnectionError) for cause in _causes(error)):
        return TransientError(f"{what}: no connection (refused, or the host isn't found)")
    if isinstance(error, SSLError):
        return TransientError(f"{what}: TLS failed", in_doubt=True)
    if isinstance(error, ReadTimeout):
        return TransientError(f"{what}: no answer within {READ_S:.0f} s", in_doubt=True)
    return TransientError(f"{what}: the connection broke off", in_doubt=True)


def _causes(error: BaseException) -> list[BaseException]:
    """Return the error and what it was raised for, through the wrappings of requests and urllib3."""
    found: list[BaseException] = []
    waiting: list[object] = [error]
    while waiting:
        one = waiting.pop()
        if isinstance(one, BaseException) and one not in found:
            found.append(one)
            waiting += [one.__cause__, one.__context__, *one.args]
            if isinstance(one, MaxRetryError):
                waiting.append(one.reason)
    return found


def _name(method: str, url: str) -> str:
    return f"{method} {_place(url)}"


def _place(url: str) -> str:
    """Return a URL without whatever may be secret in it: user, password, query, fragment."""
    parts = _split(url)
    if parts is None:
        return "(an address that isn't one)"
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}"


def _split(url: str) -> SplitResult | None:
    try:
        return urlsplit(url)
    except ValueError:
        return None


def _as_given(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Leave the headers alone: without an `auth`, requests would put .netrc's over our own."""
    return request


def _no_proxy(url: str) -> dict[str, str] | None:
    """Reach a service on this machine directly, whatever proxy the environment names."""
    parts = _split(url)
    host = (parts.hostname if parts else None) or ""
    return {"no_proxy": host} if host == "localhost" or _is_loopback(host) else None


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
