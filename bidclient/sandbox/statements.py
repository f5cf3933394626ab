"""What a bidder signs, as the network checks it: signature, certificate, organisation."""

from datetime import datetime
from typing import TypeVar

from bidclient.crypto import cms
from bidclient.crypto.certificate import Certificate, verify_chain
from bidclient.errors import BadCertificate, BadFormat, BadSignature, NotCanonical
from bidclient.sandbox.faults import CERT_REVOKED
from bidclient.sandbox.problems import Refusal
from bidclient.sandbox.web import Call
from bidclient.sandbox.world import World
from bidclient.stages.submitted import read_statement
from bidclient.stages.tender import Record

_T = TypeVar("_T", bound=Record)


def read(world: World, data: bytes, kind: type[_T], at: datetime) -> tuple[_T, cms.Signed]:
    """The statement of type `kind` in CMS bytes, signed with a certificate good at `at`. Raises Refusal."""
    try:
        statement, signed = read_statement(data, kind)
    except BadSignature as error:
        raise Refusal("bad-signature", error.reason) from error
    except (BadFormat, NotCanonical) as error:
        raise Refusal("statement-mismatch", error.reason) from error
    except BadCertificate as error:
        raise Refusal("cert-unknown", error.reason) from error
    check_certificate(world, signed.signer, signed.chain, at)
    return statement, signed


def read_own(call: Call, kind: type[_T]) -> tuple[_T, bytes]:
    """The statement in a call's body, signed by the organisation that is logged in, and its CMS bytes.

    Raises Refusal.
    """
    data = call.statement()
    statement, signed = read(call.world, data, kind, call.arrived)
    if signed.signer.uscc != call.organization.uscc:
        raise Refusal("cert-not-bound")
    return statement, data


def check_certificate(
    world: World, certificate: Certificate, chain: tuple[Certificate, ...], at: datetime
) -> Certificate:
    """A certificate that this network takes signatures from. Raises Refusal."""
    if not certificate.not_before <= at <= certificate.not_after:
        raise Refusal("cert-expired", certificate.subject)
    try:
        verify_chain(certificate, chain, world.authority.anchors, at, "statement")
    except BadCertificate as error:
        raise Refusal("cert-unknown", error.reason) from error
    if world.faults.value(CERT_REVOKED):
        raise Refusal("cert-revoked", certificate.subject)
    try:
        world.authority.check_revocation(certificate)
    except BadCertificate as error:
        raise Refusal("cert-revoked", certificate.subject) from error
    if not certificate.can_sign or certificate.uscc is None:
        raise Refusal("cert-not-bound", "not a company's signing certificate")
    return certificate


def check_equal(expected: Record, found: Record, skip: tuple[str, ...] = ()) -> None:
    """Compare two statements field by field, but for those in `skip`. Raises Refusal naming the field."""
    for name in expected.__struct_fields__:
        if name not in skip and getattr(expected, name) != getattr(found, name):
            raise Refusal("statement-mismatch", name)
