"""A file, a signature or a record that is not what it claims to be."""

from bidclient.errors.root import BidError


class IntegrityProblem(BidError):
    """Something is not what it claims to be."""

    code = "E-INTEGRITY"
    exit_code = 5


class BadFormat(IntegrityProblem):
    """Not a file of this format, or of a version that we do not read."""

    code = "E-FORMAT"
    what: str
    reason: str


class NotCanonical(IntegrityProblem):
    """JSON that is not in the one canonical form (RFC 8785)."""

    code = "E-NOT-CANONICAL"
    what: str
    reason: str


class BadArchive(IntegrityProblem):
    """A ZIP that is not in our one canonical form: names, order, flags, overlaps, extra bytes."""

    code = "E-ARCHIVE"
    what: str
    reason: str


class BadManifest(IntegrityProblem):
    """A document differs from the digest or size that the manifest gives, is missing, or is not listed."""

    code = "E-MANIFEST"
    document: str
    reason: str


class BadSignature(IntegrityProblem):
    code = "E-SIGNATURE"
    what: str
    reason: str


class BadTimestamp(IntegrityProblem):
    code = "E-TIMESTAMP"
    what: str
    reason: str


class BadCertificate(IntegrityProblem):
    """The chain does not lead to a trusted root, is outside its dates, revoked or malformed."""

    code = "E-CERTIFICATE"
    subject: str
    reason: str


class UnknownIssuer(BadCertificate):
    """Nothing is wrong with the certificate but that its `issuer` leads to none of the `known` anchors."""

    code = "E-UNKNOWN-ISSUER"
    issuer: str
    known: str


class UnprovenTime(BadCertificate):
    """The certificate is good only at the time that the signer claims, and nothing proves that time."""

    code = "E-UNPROVEN-TIME"
    claimed: str


class BadSeal(IntegrityProblem):
    """The frame of a sealed bid is wrong: magic, header, wraps, padding, length."""

    code = "E-SEAL"
    reason: str


class WrongSecret(IntegrityProblem):
    """The content secret does not open this file: its commitment differs (E-SEAL-HASH)."""

    code = "E-SEAL-COMMITMENT"
    reason: str


class DamagedChunk(IntegrityProblem):
    """Chunk `index` (from 0) does not authenticate; nothing of it was released."""

    code = "E-SEAL-CHUNK"
    index: int
    chunks: int


class BadEnvelope(IntegrityProblem):
    """A CMS EnvelopedData that cannot be opened, or whose content is not bound to this bid."""

    code = "E-ENVELOPE"
    reason: str


class BadReceipt(IntegrityProblem):
    """A receipt that does not verify against our own digests: an alarm, not a success."""

    code = "E-RECEIPT"
    reason: str | BidError


class BadChain(IntegrityProblem):
    """The opening's hash chain has a gap, an edit or a fork at event `seq`."""

    code = "E-CHAIN"
    seq: int
    reason: str


class Mismatch(IntegrityProblem):
    """Two artefacts that belong together disagree on `field`."""

    code = "E-SECTION-MISMATCH"
    field: str
    expected: str
    found: str
