"""A public certification authority on loopback, by certomancer: OCSP, lists and timestamps of somebody else's
making."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from asn1crypto import ocsp
from certomancer.integrations.animator import Animator, AnimatorArchStore
from certomancer.registry import ArchLabel, CertLabel, CertomancerConfig, PKIArchitecture, ServiceLabel
from werkzeug.serving import WSGIRequestHandler, make_server

from bidclient.crypto.certificate import Certificate
from tests.support.pki import private_key

REVOKED_SINCE = datetime(2025, 3, 1, 8, 0, tzinfo=UTC)
_ARCH = "province"
_KEYS = ("root", "ca", "responder", "tsa", "company", "revoked", "lonely")
_FROM, _TO = "2020-01-01T00:00:00+0000", "2045-01-01T00:00:00+0000"


@dataclass(frozen=True)
class PublicAuthority:
    """The authority: `url` answers with the time of this machine, `old_url` with a time long past."""

    url: str
    old_url: str
    arch: PKIArchitecture

    def certificate(self, name: str) -> Certificate:
        """root, ca, responder, tsa, company, revoked, or lonely, which names no address."""
        return Certificate.from_der(self.arch.get_cert(CertLabel(name)).dump())

    def ocsp(self, name: str = "main") -> str:
        """The address of an OCSP service: "main", "wrong" without the right to answer, "elder" by the CA."""
        return f"{self.url}/{_ARCH}/ocsp/{name}"

    @property
    def crl(self) -> str:
        """The address of the list of the issuing CA."""
        return f"{self.url}/{_ARCH}/crls/ca/latest.crl"

    @property
    def tsa(self) -> str:
        """The address of the timestamp service."""
        return f"{self.url}/{_ARCH}/tsa/tsa"

    def old(self, address: str) -> str:
        """The same service, its clock long ago."""
        return address.replace(self.url, self.old_url)

    def answer(self, request: bytes, at: datetime, name: str = "main") -> bytes:
        """What an OCSP service answers at any time, without a network."""
        responder = self.arch.service_registry.summon_responder(ServiceLabel(name), at)
        return bytes(responder.build_ocsp_response(ocsp.OCSPRequest.load(request)).dump())

    def list_at(self, at: datetime) -> bytes:
        """The list as it was published last before some time."""
        return bytes(self.arch.service_registry.get_crl(ServiceLabel("ca"), at).dump())


@contextmanager
def public_authority(folder: Path, old: datetime) -> Iterator[PublicAuthority]:
    """The authority, its keys in `folder`, ended with the block."""
    for number, name in enumerate(_KEYS):
        (folder / f"{name}.pem").write_bytes(_pem(2000 + number))
    with _served() as (url, now_app), _served() as (old_url, old_app):
        config = CertomancerConfig(_configuration(url), key_search_dir=str(folder))
        arch = config.get_pki_arch(ArchLabel(_ARCH))
        store = AnimatorArchStore({ArchLabel(_ARCH): arch})
        now_app.target = Animator(store, with_web_ui=False)
        old_app.target = Animator(store, at_time=old, with_web_ui=False)
        yield PublicAuthority(url, old_url, arch)


class _Quiet(WSGIRequestHandler):
    def log(self, *_arguments: object) -> None:
        """Nothing."""


class _App:
    """A WSGI application that is known only after its address."""

    target: Callable[[Any, Any], Any]

    def __call__(self, environment: Any, start: Any) -> Any:
        return self.target(environment, start)


@contextmanager
def _served() -> Iterator[tuple[str, _App]]:
    app = _App()
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", app
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _pem(number: int) -> bytes:
    from cryptography.hazmat.primitives import serialization

    return private_key("p-256", number).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _configuration(url: str) -> dict[str, Any]:
    dates = {"valid-from": _FROM, "valid-to": _TO}

    def usage(*names: str) -> dict[str, Any]:
        value = {"schema": "key-usage", "params": list(names)}
        return {"id": "key_usage", "critical": True, "smart-value": value}

    def purpose(name: str) -> dict[str, Any]:
        return {"id": "extended_key_usage", "critical": True, "value": [name]}

    is_ca = {"id": "basic_constraints", "critical": True, "value": {"ca": True}}
    addresses = [
        {
            "id": "crl_distribution_points",
            "smart-value": {"schema": "crl-dist-url", "params": {"crl-repo-names": ["ca"]}},
        },
        {
            "id": "authority_information_access",
            "smart-value": {"schema": "aia-urls", "params": {"ocsp-responder-names": ["main"]}},
        },
    ]
    signs = usage("digital_signature", "non_repudiation")

    def issued(issuer: str, *extensions: dict[str, Any], **more: Any) -> dict[str, Any]:
        return {"issuer": issuer, "validity": dates, "extensions": list(extensions), **more}

    certs = {
        "root": {
            **issued("root", is_ca, usage("key_cert_sign", "crl_sign")),
            "subject": "root",
            "subject-key": "root",
            "authority-key": "root",
        },
        "ca": issued("root", is_ca, usage("key_cert_sign", "crl_sign", "digital_signature")),
        "responder": issued("ca", usage("digital_signature"), purpose("ocsp_signing")),
        "tsa": issued("root", usage("digital_signature"), purpose("time_stamping")),
        "company": issued("ca", signs, *addresses),
        "revoked": issued(
            "ca",
            signs,
            *addresses,
            revocation={"revoked-since": REVOKED_SINCE.isoformat(), "reason": "key_compromise"},
        ),
        "lonely": issued("ca", signs),
    }
    services = {
        "ocsp": {
            "main": {"for-issuer": "ca", "responder-cert": "responder"},
            "wrong": {"for-issuer": "ca", "responder-cert": "company"},
            "elder": {"for-issuer": "ca", "responder-cert": "ca", "issuer-cert": "ca"},
        },
        "crl-repo": {"ca": {"for-issuer": "ca", "simulated-update-schedule": "P1D"}},
        "time-stamping": {"tsa": {"signing-cert": "tsa"}},
    }
    return {
        "external-url-prefix": url,
        "keysets": {"all": {"keys": {name: {"path": f"{name}.pem"} for name in _KEYS}}},
        "pki-architectures": {
            _ARCH: {
                "keyset": "all",
                "entity-defaults": {"country-name": "CN", "organization-name": "邻省数字证书认证中心"},
                "entities": {name: {"common-name": f"邻省 {name}"} for name in _KEYS},
                "certs": certs,
                "services": services,
            }
        },
    }
