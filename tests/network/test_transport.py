"""Replies and failures of a real HTTP server become values and errors of ours; TLS trusts one CA file."""

import http.server
import json
import os
import ssl
import subprocess
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bidclient.crypto.certificate import Certificate
from bidclient.errors import (
    BadFormat,
    DeadlinePassed,
    NotRegistered,
    OpeningClosed,
    Rejected,
    Unreachable,
    Untrusted,
)
from bidclient.log import TRAFFIC
from bidclient.network import transport as transport_module
from bidclient.network.profile import Profile, is_loopback
from bidclient.network.stamping import stamp_transport
from bidclient.network.transport import is_final, new_idempotency_key
from bidclient.network.wire import RegistrationRequest, Time
from tests.support.loopback import (
    SANDBOX_ROOT,
    Answer,
    Quiet,
    answering,
    json_answer,
    problem,
    transport_to,
)
from tests.support.pki import Authority, InMemoryKey

T = "2026-12-01T09:30:00.000+08:00"
TIME = json_answer({"now": T})


def test_a_reply_is_read_and_unknown_fields_are_ignored() -> None:
    with (
        answering(lambda _: json_answer({"now": T, "new_field": [1]})) as (address, asked),
        transport_to(address) as transport,
    ):
        transport.token = "opaque"
        assert transport.get("/v1/time", Time, {"a": 1}) == Time(T)
    assert asked[0].path == "/v1/time?a=1"
    assert asked[0].headers["Authorization"] == "Bearer opaque"
    assert asked[0].headers["User-Agent"].startswith("bidclient/")


def test_a_post_carries_a_key_that_depends_on_its_content_or_the_callers() -> None:
    with answering(lambda _: TIME) as (address, asked), transport_to(address) as transport:
        for contact, key in (("a", None), ("a", None), ("b", None), ("a", "chosen")):
            transport.post("/v1/x", RegistrationRequest(contact, "1"), Time, key)
        transport.post("/v1/y", RegistrationRequest("a", "1"), Time)
    keys = [item.headers["Idempotency-Key"] for item in asked]
    assert keys[0] == keys[1]
    assert keys[3] == "chosen"
    assert len(set(keys)) == 4
    assert json.loads(asked[0].body) == {"contact": "a", "phone": "1"}
    assert len({new_idempotency_key() for _ in range(50)}) == 50


@pytest.mark.parametrize(
    ("path", "answer", "error", "facts"),
    [
        (
            "/v1/submissions/s/finalize",
            problem("deadline-passed", 403, deadline=T, server_time=T),
            DeadlinePassed,
            {"deadline": T, "server_time": T},
        ),
        ("/v1/lots/L7/submissions", problem("not-registered", 403), NotRegistered, {"lot": "L7"}),
        ("/v1/openings/o", problem("not-yet", 409, detail="later"), OpeningClosed, {"problem": "not-yet"}),
        ("/v1/openings/o", problem("paused", 409), OpeningClosed, {"detail": "paused"}),
        ("/v1/openings/o", problem("decrypt-window-closed", 403), OpeningClosed, {}),
        ("/v1/x", problem("bad-stub", 422, detail="why"), Rejected, {"problem": "bad-stub", "status": 422}),
        ("/v1/x", Answer(418, b"<html>"), Rejected, {"problem": "http-418", "status": 418}),
        ("/v1/x", Answer(302, b"", {"Location": "/v1/time"}), Rejected, {"problem": "http-302"}),
        (
            "/v1/x",
            Answer(400, b"{", {"Content-Type": "application/problem+json"}),
            Rejected,
            {"problem": "http-400"},
        ),
    ],
)
def test_a_problem_becomes_the_error_of_its_code(
    path: str, answer: Answer, error: type[Rejected], facts: dict[str, object]
) -> None:
    with answering(lambda _: answer) as (address, asked), transport_to(address) as transport:
        with pytest.raises(error) as caught:
            transport.post(path, None, Time)
        assert len(asked) == 1
    assert facts.items() <= caught.value.facts.items()


NESTED = b'{"new_field": ' + b"[" * 500_000 + b"]" * 500_000 + b"}"


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b'{"now": 3}', b"\xff\xfe", b'{"now": "yesterday"}', b'{"now": "\xff"}', NESTED],
    ids=["nothing", "torn", "list", "number", "bytes", "word", "not utf-8", "nested"],
)
def test_a_reply_that_is_not_what_was_asked_for_is_bad(body: bytes) -> None:
    with (
        answering(lambda _: Answer(200, body)) as (address, _),
        transport_to(address) as transport,
        pytest.raises(BadFormat),
    ):
        transport.get("/v1/time", Time)


def test_a_reply_without_end_is_cut_off() -> None:
    endless = Answer(200, b" " * (transport_module.REPLY_LIMIT + 1))
    with (
        answering(lambda _: endless) as (address, _),
        transport_to(address) as transport,
        pytest.raises(BadFormat, match="longer"),
    ):
        transport.get("/v1/time", Time)


def test_a_reply_that_ends_early_is_a_broken_line() -> None:
    short = Answer(200, b"{}", {"Content-Length": "100", "Connection": "close"})
    with (
        answering(lambda _: short) as (address, _),
        transport_to(address) as transport,
        pytest.raises(Unreachable),
    ):
        transport.send("GET", "/v1/time")


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_lost_reply_and_a_short_outage_are_asked_again_with_the_same_key(method: str) -> None:
    answers = [Answer(hang_up=True), problem("unavailable", 503), TIME]
    with (
        answering(lambda _: answers.pop(0)) as (address, asked),
        transport_to(address) as transport,
    ):
        if method == "GET":
            assert transport.get("/v1/time", Time) == Time(T)
        else:
            assert transport.post("/v1/x", None, Time, "key") == Time(T)
    assert len(asked) == 3
    assert len({(item.body, item.headers.get("Idempotency-Key")) for item in asked}) == 1


def test_an_outage_that_lasts_is_said_after_a_few_tries() -> None:
    with (
        answering(lambda _: problem("unavailable", 503, detail="maintenance")) as (address, asked),
        transport_to(address) as transport,
    ):
        with pytest.raises(Rejected, match="unavailable"):
            transport.get("/v1/time", Time)
        assert len(asked) == 4


def test_a_patch_is_never_repeated_by_itself() -> None:
    with (
        answering(lambda _: Answer(hang_up=True)) as (address, asked),
        transport_to(address) as transport,
    ):
        with pytest.raises(Unreachable):
            transport.send("PATCH", "/v1/uploads/u", data=b"x")
        assert len(asked) == 1


@pytest.mark.parametrize(
    ("answer", "final"),
    [
        (problem("nonce-invalid", 422), True),
        (problem("wrong-state", 409), True),
        (problem("in-progress", 409), False),
        (problem("unauthorized", 401), False),
        (problem("internal", 500), False),
        (Answer(502, b"<html>"), False),
        (Answer(403, b"<html>"), False),
        (Answer(302, b"", {"Location": "/login"}), False),
    ],
    ids=["nonce", "state", "busy", "session", "internal", "gateway", "firewall", "portal"],
)
def test_only_the_networks_own_refusal_is_final(answer: Answer, final: bool) -> None:
    with answering(lambda _: answer) as (address, _), transport_to(address) as transport:
        with pytest.raises(Rejected) as caught:
            transport.send("PATCH", "/v1/x")
        assert is_final(caught.value) is final


def test_nobody_there_is_unreachable() -> None:
    with answering(lambda _: TIME) as (address, _):
        pass
    with transport_to(address) as transport, pytest.raises(Unreachable, match="refused"):
        transport.get("/v1/time", Time)


def test_a_name_that_no_host_can_have_is_unreachable() -> None:
    with transport_to("https://bid..example") as transport, pytest.raises(Unreachable):
        transport.get("/v1/time", Time)


def test_the_environments_proxy_is_not_used() -> None:
    before = os.environ.get("http_proxy")
    os.environ["http_proxy"] = "http://127.0.0.1:9"
    try:
        with answering(lambda _: TIME) as (address, _), transport_to(address) as transport:
            assert transport.get("/v1/time", Time) == Time(T)
    finally:
        os.environ.pop("http_proxy")
        if before is not None:
            os.environ["http_proxy"] = before


@pytest.mark.parametrize("path", ["http://example.org/v1/x", "//example.org/v1/x", "http://127.0.0.1:1/x"])
def test_an_address_elsewhere_gets_no_request_and_no_token(path: str) -> None:
    with (
        answering(lambda _: TIME) as (address, asked),
        transport_to(address) as transport,
    ):
        with pytest.raises(Untrusted):
            transport.get(path, Time)
        assert asked == []


def test_the_traffic_log_names_requests_and_shows_neither_token_nor_body(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with answering(lambda _: TIME) as (address, _), transport_to(address) as transport:
        transport.token = "opaque-token"
        with caplog.at_level(TRAFFIC, "bidclient.network"):
            transport.post("/v1/x", RegistrationRequest("contact-name", "13800000000"), Time)
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("bidclient")]
    assert any("/v1/x" in line and "200" in line for line in ours)
    assert not any("opaque-token" in line or "contact-name" in line for line in ours)


# ------------------------------------------------------------------------------------------------- TLS


@contextmanager
def tls_server(folder: Path, key: InMemoryKey) -> Iterator[str]:
    """An https server for localhost."""
    (folder / "server.pem").write_bytes(key.certificate.pem + key.pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")

    class Told(Quiet):
        def answer(self) -> None:
            self.reply(TIME)

        do_GET = answer  # noqa: N815 - the name that the library calls

    class Server(http.server.ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            """A refused handshake is what some tests want."""

    server = Server(("127.0.0.1", 0), Told)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"https://localhost:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def ca() -> Authority:
    return Authority.root(SANDBOX_ROOT)


def test_the_profiles_ca_file_is_the_only_trust(ca: Authority, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_bytes(ca.certificate.pem)
    (tmp_path / "other.pem").write_bytes(Authority.root("sandbox 别家", 1002).certificate.pem)
    with tls_server(tmp_path, ca.issue("server", number=20)) as address:
        with transport_to(address, tmp_path / "ca.pem") as transport:
            assert transport.get("/v1/time", Time) == Time(T)
        for wrong in (tmp_path / "other.pem", None):
            with transport_to(address, wrong) as transport, pytest.raises(Untrusted, match="certificate"):
                transport.get("/v1/time", Time)


def test_a_certificate_for_another_host_is_not_trusted(ca: Authority, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_bytes(ca.certificate.pem)
    with (
        tls_server(tmp_path, ca.issue("server", number=20, hosts=("bid.example",))) as address,
        transport_to(address, tmp_path / "ca.pem") as transport,
        pytest.raises(Untrusted),
    ):
        transport.get("/v1/time", Time)


# --------------------------------------------------------------------------------------------- profile


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("http://bid.example", "sandbox"),
        ("ftp://127.0.0.1", "sandbox"),
        ("https://", "sandbox"),
        ("https://[::1", "sandbox"),
        ("https://user:pw@bid.example", "production"),
        ("https://bid.example/?x=1", "production"),
        ("https://bid.example/prefix", "production"),
        ("https://bid.example//", "production"),
        ("https://127.0.0.1:8000", "production"),
        ("http://localhost:8000", "production"),
    ],
)
def test_an_address_that_can_never_be_safe_makes_no_profile(address: str, kind: str) -> None:
    with pytest.raises(Untrusted):
        Profile(address, "sandbox" if kind == "sandbox" else "production", (), ())


def test_practice_roots_and_real_roots_do_not_mix() -> None:
    practice: tuple[Certificate, ...] = (Authority.root(SANDBOX_ROOT).certificate,)
    real = (Authority.root("交易平台根证书").certificate,)
    assert Profile("https://bid.example", "production", real, real).kind == "production"
    assert Profile("https://127.0.0.1", "sandbox", practice, practice).kind == "sandbox"
    with pytest.raises(Untrusted):
        Profile("https://bid.example", "production", practice, real)
    with pytest.raises(Untrusted):
        Profile("https://127.0.0.1", "sandbox", real, real)


@pytest.mark.parametrize(
    ("host", "here"),
    [
        ("localhost", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("10.0.0.1", False),
        ("127.0.0.1.example", False),
    ],
)
def test_loopback_is_this_computer_only(host: str, here: bool) -> None:
    assert is_loopback(host) is here


# ------------------------------------------------------------------------------------------ time-stamps


def test_a_timestamp_service_is_asked_as_rfc_3161_says(tmp_path: Path) -> None:
    query = tmp_path / "query.tsq"
    command = ["openssl", "ts", "-query", "-digest", "00" * 32, "-sha256", "-out", str(query)]
    subprocess.run(command, check=True, capture_output=True, timeout=30)
    with answering(lambda asked: Answer(200, asked.body)) as (address, asked):
        assert stamp_transport(f"{address}/tsa")(query.read_bytes()) == query.read_bytes()
    assert asked[0].headers["Content-Type"] == "application/timestamp-query"
    with answering(lambda _: Answer(500)) as (address, _), pytest.raises(Unreachable):
        stamp_transport(address)(b"query")
    with answering(lambda _: Answer(200, bytes(300_000))) as (address, _), pytest.raises(BadFormat):
        stamp_transport(address)(b"query")


def test_a_base64_body_is_not_in_an_error() -> None:
    body = b64encode(b"secret" * 10).decode()
    with (
        answering(lambda _: problem("bad-signature", 422)) as (address, _),
        transport_to(address) as transport,
        pytest.raises(Rejected) as caught,
    ):
        transport.post("/v1/x", RegistrationRequest(body[:90], "1"), Time)
    assert body[:20] not in str(caught.value)
