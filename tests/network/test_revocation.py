"""Asking issuers over HTTP: a public authority by certomancer, services that are down, and kept answers."""

import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest

from bidclient.crypto.revocation import Standing
from bidclient.crypto.timestamp import Stamp, fail_over, stamp_by, verify_token
from bidclient.errors import BadTimestamp, Unreachable
from bidclient.formats.instant import instant_text
from bidclient.network.clock import system_now, ticks
from bidclient.network.revocation import Revocations
from bidclient.network.stamping import stamp_transport
from bidclient.network.time_check import clock_ahead
from tests.support.certomancer_pki import REVOKED_SINCE, PublicAuthority, public_authority
from tests.support.loopback import Answer, Asked, Quiet, answering, json_answer, serving, transport_to

DAY = timedelta(days=1)


@pytest.fixture(scope="session")
def public(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PublicAuthority]:
    with public_authority(tmp_path_factory.mktemp("public"), system_now() - 400 * DAY) as authority:
        yield authority


@pytest.fixture(scope="session")
def nowhere() -> Iterator[str]:
    """An address at which nobody answers: the port is taken and not listened to."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}/ocsp"


def standing(public: PublicAuthority, services: Revocations, name: str = "company") -> Standing:
    return services.standing(public.certificate(name), public.certificate("ca"), system_now())


def test_the_addresses_in_the_certificate_are_asked(public: PublicAuthority) -> None:
    good = standing(public, Revocations())
    assert (good.status, good.source) == ("good", public.ocsp())
    revoked = standing(public, Revocations(), "revoked")
    assert (revoked.status, revoked.since) == ("revoked", REVOKED_SINCE)


def test_without_an_address_it_cannot_be_told(public: PublicAuthority) -> None:
    found = standing(public, Revocations(), "lonely")
    assert (found.status, found.cause) == ("cannot-tell", "no-address")


def test_the_settings_may_name_a_service(public: PublicAuthority) -> None:
    assert standing(public, Revocations(ocsp=(public.ocsp(),)), "lonely").status == "good"


def test_an_unreachable_service_costs_a_moment_and_the_next_is_asked(
    public: PublicAuthority, nowhere: str
) -> None:
    begun = ticks()
    found = standing(public, Revocations(ocsp=(nowhere,)), "lonely")
    assert (found.status, found.cause) == ("cannot-tell", "unreachable")
    assert nowhere in found.reason
    assert ticks() - begun < 2
    assert standing(public, Revocations(ocsp=(nowhere, public.ocsp())), "lonely").status == "good"


def test_a_service_that_never_answers_does_not_hold_us_up(public: PublicAuthority) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        begun = ticks()
        services = Revocations(ocsp=(f"http://127.0.0.1:{silent.getsockname()[1]}/",))
        assert standing(public, services, "lonely").cause == "unreachable"
        assert ticks() - begun < 7


@pytest.mark.parametrize(
    "begin", [b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n"]
)
def test_a_service_that_dribbles_does_not_hold_us_up(public: PublicAuthority, begin: bytes) -> None:
    """A byte now and then, in head or body, keeps every time-out of the HTTP library from ending."""
    over = threading.Event()

    class Dribbling(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.sendall(begin)
            with suppress(OSError):
                while not over.wait(0.5):
                    self.request.sendall(b"x")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Dribbling) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        begun, address = ticks(), f"http://127.0.0.1:{server.server_address[1]}/"
        found = standing(public, Revocations(ocsp=(address,), seconds=1), "lonely")
        took = ticks() - begun
        over.set()
        server.shutdown()
    assert (found.cause, took < 5) == ("unreachable", True)


def test_a_date_beyond_all_measure_is_none(public: PublicAuthority) -> None:
    answer = Answer(200, b"?", {"Date": "Mon, 01 Jan 2024 00:00:00 +99999999999999999999"})
    with answering(lambda _asked: answer) as (url, _):
        assert standing(public, Revocations(ocsp=(url,)), "lonely").cause == "bad-answer"


@pytest.mark.parametrize(
    "answer", [Answer(200, b"<html>"), Answer(200, bytes(300_000)), Answer(503), Answer(200, b"\x30\x00")]
)
def test_garbage_says_nothing_and_the_list_is_looked_at(public: PublicAuthority, answer: Answer) -> None:
    with answering(lambda _asked: answer) as (url, asked):
        found = standing(public, Revocations(ocsp=(url,)), "lonely")
        assert found.status == "cannot-tell"
        assert asked[-1].headers["Content-Type"] == "application/ocsp-request"
        assert (asked[-1].method, len(asked)) == ("POST", 1)


def test_a_redirect_is_not_followed(public: PublicAuthority) -> None:
    with answering(lambda _asked: Answer(302, b"", {"Location": public.ocsp()})) as (url, _):
        assert standing(public, Revocations(ocsp=(url,)), "lonely").cause == "unreachable"


def test_when_ocsp_fails_the_list_decides(public: PublicAuthority) -> None:
    def answer(_path: str) -> Answer:
        return Answer(200, public.list_at(system_now()))

    with answering(lambda asked: answer(asked.path)) as (url, asked):
        services = Revocations(ocsp=(f"{url}/ocsp",), crl=(f"{url}/crl",))
        issuer = public.certificate("ca")
        # The certificate's own OCSP service answers at once, so it is asked about by its list alone.
        for name, status in (("company", "good"), ("revoked", "revoked")):
            found = services._fetched(f"{url}/crl", False, public.certificate(name), issuer, system_now())
            assert (found.status, found.source) == (status, f"{url}/crl")
        assert [one.method for one in asked] == ["GET", "GET"]


def test_an_old_answer_is_told_from_a_wrong_clock(public: PublicAuthority) -> None:
    def found(services: Revocations, name: str = "lonely") -> tuple[str, str]:
        one = standing(public, services, name)
        return one.status, one.cause

    # The service says that it is another year, with our nonce in its answer.
    assert found(Revocations(ocsp=(public.old(public.ocsp()),))) == ("cannot-tell", "clock")
    old_list = public.list_at(system_now() - 400 * DAY)
    company, issuer = public.certificate("company"), public.certificate("ca")
    with answering(lambda _asked: Answer(200, old_list)) as (url, _):
        one = Revocations()._fetched(url, False, company, issuer, system_now())
        assert (one.status, one.cause) == ("cannot-tell", "stale")
    # The same list, and the server's own clock says that it is ours that is wrong.
    long_ago = (system_now() - 400 * DAY).strftime("%a, %d %b %Y %H:%M:%S GMT")

    class LongAgo(Quiet):
        def answer(self) -> None:
            self.send_response_only(200)
            self.send_header("Date", long_ago)
            self.send_header("Content-Length", str(len(old_list)))
            self.end_headers()
            self.wfile.write(old_list)

        do_GET = answer  # noqa: N815 - a name that the library calls

    with serving(LongAgo) as url:
        one = Revocations()._fetched(url, False, company, issuer, system_now())
        assert (one.status, one.cause) == ("cannot-tell", "clock")


# ------------------------------------------------------------------------------------------------ cache


def test_a_kept_answer_serves_offline_until_its_end_and_is_verified_again(
    tmp_path: Path, nowhere: str
) -> None:
    cache = tmp_path / "cache"
    (tmp_path / "keys").mkdir()
    with public_authority(tmp_path / "keys", system_now()) as public:
        services = Revocations(cache=cache)
        assert standing(public, services).status == "good"
        assert standing(public, services, "revoked").status == "revoked"
    # Nobody answers any more.
    assert standing(public, services).status == "good"
    assert standing(public, services, "revoked").status == "revoked"
    assert standing(public, Revocations()).cause == "unreachable"
    certificate, issuer = public.certificate("company"), public.certificate("ca")
    for kept in cache.glob("*.ocsp"):
        content = bytearray(kept.read_bytes())
        content[-100] ^= 1
        kept.write_bytes(content)
    found = services.standing(certificate, issuer, system_now())
    assert (found.status, found.cause) == ("cannot-tell", "unreachable")
    assert not [*cache.glob("*.ocsp")][1:]


def test_a_kept_answer_is_never_good_after_its_end(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    with public_authority(tmp_path / "keys", system_now()) as public:
        services = Revocations(cache=tmp_path / "cache")
        assert standing(public, services).status == "good"
    later = system_now() + timedelta(minutes=11)
    found = services.standing(public.certificate("company"), public.certificate("ca"), later)
    assert (found.status, found.cause) == ("cannot-tell", "unreachable")


def test_a_cache_that_cannot_be_written_is_a_pity(public: PublicAuthority, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    assert standing(public, Revocations(cache=tmp_path / "file" / "cache")).status == "good"


# ------------------------------------------------------------------------------------------- timestamps


def service(public: PublicAuthority, address: str, anchor: str = "root") -> Stamp:
    ask = stamp_transport(address, patient=False)
    return stamp_by(ask, [public.certificate(anchor)], address, ("sm3", "sha256"))


def test_the_second_service_stamps_when_the_first_is_down_or_talks_nonsense(
    public: PublicAuthority, nowhere: str
) -> None:
    anchors = [public.certificate("root")]
    long = Answer(200, bytes(600_000))
    for nonsense in (Answer(200, b"<html>"), long, Answer(500), Answer(200, b"", {}, hang_up=True)):

        def answer(_asked: Asked, nonsense: Answer = nonsense) -> Answer:
            return nonsense

        with answering(answer) as (url, asked):
            stamp = fail_over([service(public, url), service(public, public.tsa)])
            assert verify_token(stamp(b"signature"), b"signature", anchors, "x")
            assert asked
    begun = ticks()
    stamp = fail_over([service(public, nowhere), service(public, public.tsa)])
    assert verify_token(stamp(b"signature"), b"signature", anchors, "x")
    assert ticks() - begun < 3


def test_when_all_fail_the_error_names_each_service(public: PublicAuthority, nowhere: str) -> None:
    with answering(lambda _asked: Answer(200, b"<html>")) as (url, _):
        with pytest.raises(BadTimestamp) as caught:
            fail_over([service(public, nowhere), service(public, url)])(b"signature")
        assert nowhere in caught.value.reason
        assert url in caught.value.reason
        assert "E-" not in caught.value.reason
    with pytest.raises(Unreachable, match=nowhere):
        fail_over([service(public, nowhere)])(b"signature")


def test_a_stamp_by_an_unknown_authority_is_not_used(public: PublicAuthority) -> None:
    with pytest.raises(BadTimestamp, match="unknown issuer"):
        service(public, public.tsa, "lonely")(b"signature")


def test_this_computers_clock_is_compared_with_the_networks() -> None:
    told = instant_text(system_now() - timedelta(hours=1))
    with (
        answering(lambda _asked: json_answer({"now": told})) as (url, _),
        transport_to(url) as transport,
    ):
        ahead = clock_ahead(transport.profile, system_now)
        assert ahead is not None
        assert 3590 < ahead < 3610
    with answering(lambda _asked: Answer(503)) as (url, _), transport_to(url) as transport:
        assert clock_ahead(transport.profile, system_now) is None
    assert clock_ahead(transport.profile, system_now) is None
