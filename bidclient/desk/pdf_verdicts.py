"""Every signature in a PDF, judged: what it covers and whether it holds, who signed, and when."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from bidclient.checks.seals import SealJudge
from bidclient.crypto.certificate import Certificate, verify_chain
from bidclient.crypto.pdf_verify import FoundSignature, PdfSignature, find_signatures
from bidclient.crypto.timestamp import verify_token
from bidclient.errors import BadCertificate, BadDocument, IntegrityProblem, Sm2Missing, UnknownIssuer
from bidclient.formats.instant import instant_text
from bidclient.formats.stored_zip import open_archive
from bidclient.network.profile import Profile
from bidclient.stages.evidence import Verdict

_NO_TRUST = "no trading network is set, so nobody is trusted"


def pdf_verdicts(path: Path, profile: Profile | None, now: datetime) -> Iterator[Verdict]:
    """The verdicts on each signature in the order of the form; one "cannot-tell" for a file without any.

    `profile` holds the trust anchors, None when nobody is trusted. Raises FileProblem.
    """
    with open_archive(path) as file:
        try:
            found = find_signatures(file, path.name)
        except BadDocument as error:
            yield Verdict(f"{path.name}: seal", "invalid", error.reason)
            return
        if not found:
            yield Verdict(f"{path.name}: seal", "cannot-tell", "the file carries no signature")
        for one in found:
            yield from _judged(f"{path.name} {one.field}", one, profile, now)


def seal_judge(uscc: str, profile: Profile | None, now: datetime) -> SealJudge:
    """Whose seals count for the company with this USCC, by the profile's anchors."""
    return SealJudge(uscc, lambda signature: signer_flaw(signature, profile, now))


def signer_flaw(signature: PdfSignature, profile: Profile | None, now: datetime) -> str:
    """Why no anchor of the profile vouches for a signer; empty when one does, or when there is no profile.

    Judged at the time of a good timestamp, else `now`. The maker of an electronic seal is not looked at.
    """
    if profile is None:
        return ""
    stamped = None
    if signature.timestamp is not None:
        _, stamped = _stamped("timestamp", signature, signature.timestamp, profile)
    try:
        verify_chain(signature.signer, signature.chain, profile.anchors, stamped or now, "seal")
    except BadCertificate as error:
        return f"{signature.signer.subject}: {error.reason}"
    return ""


def _judged(item: str, found: FoundSignature, profile: Profile | None, now: datetime) -> Iterator[Verdict]:
    if found.form == "unknown":
        reason = f"a kind of signature that is not read here: {found.sub_filter}"
        yield Verdict(f"{item}: seal", "cannot-tell", reason)
        return
    try:
        signature = found.verify()
    except Sm2Missing as error:
        yield Verdict(f"{item}: seal", "cannot-tell", str(error))
        return
    except IntegrityProblem as error:
        yield Verdict(f"{item}: seal", "invalid", str(error.facts.get("reason", error)))
        return
    covers = "the whole file" if signature.whole else "its revision, only signatures follow"
    kinds = f"{' '.join(found.kinds)}: " if found.kinds else ""
    yield Verdict(f"{item}: seal", "valid", f"{kinds}covers {covers}")
    if profile is None:
        yield Verdict(f"{item}: signer", "cannot-tell", _NO_TRUST)
        return
    stamped = None
    if signature.timestamp is not None:
        verdict, stamped = _stamped(f"{item}: timestamp", signature, signature.timestamp, profile)
        yield verdict
    yield _signer(f"{item}: signer", signature, profile, stamped, now)


def _stamped(
    item: str, signature: PdfSignature, token: bytes, profile: Profile
) -> tuple[Verdict, datetime | None]:
    try:
        stamped = verify_token(token, signature.signature, profile.stamp_anchors, item)
    except IntegrityProblem as error:
        return Verdict(item, "invalid", str(error.facts.get("reason", error))), None
    return Verdict(item, "valid", instant_text(stamped)), stamped


def _signer(
    item: str, signature: PdfSignature, profile: Profile, stamped: datetime | None, now: datetime
) -> Verdict:
    """The chains of the signer, and of the maker of an electronic seal, which must be valid then, too.

    Anybody with a certificate of the same roots could make a seal in any name: the maker must be a known one.
    Without a timestamp a past signing time is a mere claim, which must not make anything expired good.
    """
    at = stamped or now
    proven = []
    try:
        for one in _answerable(signature):
            verify_chain(one, signature.chain, profile.anchors, at, item)
            proven.append(one.common_name)
        if signature.seal is not None:
            signature.seal.check_signer(signature.signer, at, item)
    except UnknownIssuer as error:
        return Verdict(item, "cannot-tell", f"{signature.signer.subject}: {error.reason}: {error.issuer}")
    except IntegrityProblem as error:
        return Verdict(item, "invalid", f"{signature.signer.subject}: {error.facts.get('reason', error)}")
    if signature.seal is not None and signature.seal.maker not in profile.seal_makers:
        reason = f"the seal {signature.seal.name} is by {proven[1]}, no seal maker of the settings"
        return Verdict(item, "cannot-tell", reason)
    claimed = "unknown" if signature.signing_time is None else instant_text(signature.signing_time)
    text = f"{proven[0]}, at {claimed} by the signer's own clock"
    return Verdict(item, "valid", text if len(proven) == 1 else f"{text}, seal made by {proven[1]}")


def _answerable(signature: PdfSignature) -> tuple[Certificate, ...]:
    return (signature.signer,) if signature.seal is None else (signature.signer, signature.seal.maker)
