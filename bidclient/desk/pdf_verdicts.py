"""Every signature in a PDF, judged: what it covers, whether it holds, who signed and when; a seal alone."""

from collections.abc import Generator, Iterator
from datetime import datetime
from pathlib import Path

from bidclient.checks.seals import SealJudge
from bidclient.crypto import ses
from bidclient.crypto.certificate import Certificate, verify_chain
from bidclient.crypto.pdf_verify import FoundSignature, PdfSignature, embedded_revocation, find_signatures
from bidclient.crypto.revocation import Revocation, Standing
from bidclient.crypto.timestamp import token_signer, verify_token
from bidclient.desk.trust import NO_NETWORK, Trust, standing_verdict
from bidclient.errors import BadCertificate, BadDocument, IntegrityProblem, Sm2Missing, TooLarge
from bidclient.formats.content import read_limited
from bidclient.formats.instant import instant_text
from bidclient.formats.stored_zip import open_archive
from bidclient.network.profile import Profile
from bidclient.stages.evidence import Value, Verdict, lacks_trust

_SEAL_LIMIT = 16 * 1024 * 1024
NO_SIGNATURE = "the file carries no signature"


def pdf_verdicts(path: Path, profile: Profile | None, trust: Trust, now: datetime) -> Iterator[Verdict]:
    """The verdicts on each signature in the order of the form; one "cannot-tell" for a file without any.

    `profile` holds the trust anchors, None when nobody is trusted; `trust` tells what is revoked, from the
    issuers' services or from what the file carries. Raises FileProblem.
    """
    with open_archive(path) as file:
        try:
            found = find_signatures(file, path.name)
            embedded = embedded_revocation(file)
        except BadDocument as error:
            yield Verdict(f"{path.name}: seal", "invalid", str(error), error)
            return
        if not found:
            yield Verdict(f"{path.name}: seal", "cannot-tell", NO_SIGNATURE)
        for one in found:
            item = f"{path.name} {one.field}"
            signature = yield from _held(item, one)
            if signature is None:
                continue
            if profile is None:
                yield Verdict(f"{item}: signer", "cannot-tell", NO_NETWORK)
                continue
            yield from _relied_on(item, signature, profile, embedded, trust, now)


def seal_file_verdicts(path: Path, profile: Profile | None, trust: Trust, now: datetime) -> Iterator[Verdict]:
    """The verdicts on an electronic seal that is on no document yet (SESeal, GB/T 38540). Raises FileProblem.

    Who may use it is told when it is used: then its certificates are compared with the signer's.
    """
    try:
        seal = ses.read_seal(read_limited(path, _SEAL_LIMIT), path.name)
    except (Sm2Missing, IntegrityProblem, TooLarge) as error:
        told: Value = "cannot-tell" if isinstance(error, Sm2Missing) else "invalid"
        yield Verdict(f"{path.name}: electronic seal", told, str(error), error)
        return
    begins, ends = instant_text(seal.valid_start), instant_text(seal.valid_end)
    is_current = seal.valid_start <= now <= seal.valid_end
    reason = f"{seal.name}, for use from {begins} to {ends}"
    yield Verdict(f"{path.name}: electronic seal", "valid" if is_current else "invalid", reason)
    item = f"{path.name}: seal maker"
    if profile is None:
        yield Verdict(item, "cannot-tell", NO_NETWORK)
        return
    try:
        verify_chain(seal.maker, (), profile.anchors, now, path.name)
    except IntegrityProblem as error:
        yield Verdict(item, "cannot-tell" if lacks_trust(error) else "invalid", str(error), error)
        return
    if seal.maker not in profile.seal_makers:
        yield _unknown_maker(item, seal)
        return
    yield Verdict(item, "valid", seal.maker.common_name)
    standing = trust.standing(seal.maker, ())
    yield standing_verdict(f"{path.name}: revocation", [(seal.maker.common_name, standing)])


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
        _, stamped = _stamped("seal", signature, signature.timestamp, profile)
    try:
        verify_chain(signature.signer, signature.chain, profile.anchors, stamped or now, "seal")
    except BadCertificate as error:
        return f"{signature.signer.holder}: {error.reason}"
    return ""


def _held(item: str, found: FoundSignature) -> Generator[Verdict, None, PdfSignature | None]:
    """The verdict on what a signature covers; the signature when it holds."""
    item = f"{item}: seal"
    if found.form == "unknown":
        reason = f"a kind of signature that is not read here: {found.sub_filter}"
        yield Verdict(item, "cannot-tell", reason)
        return None
    try:
        signature = found.verify()
    except (Sm2Missing, IntegrityProblem) as error:
        yield Verdict(item, "cannot-tell" if isinstance(error, Sm2Missing) else "invalid", str(error), error)
        return None
    covers = "covers the whole file"
    if not signature.whole:
        covers = "covers its revision, nothing later changes the content"
    yield Verdict(item, "valid", "; ".join(f"{kind}: {covers}" for kind in found.kinds) or covers)
    return signature


def _relied_on(
    item: str, signature: PdfSignature, profile: Profile, embedded: Revocation, trust: Trust, now: datetime
) -> Iterator[Verdict]:
    """The verdicts on time and signer, and where his chain holds on what the issuers say about revocation.

    A certificate that was revoked after the time that a timestamp proves has been good for it.
    """
    stamped, standings = None, list[tuple[str, Standing]]()
    if signature.timestamp is not None:
        verdict, stamped = _stamped(item, signature, signature.timestamp, profile)
        yield verdict
        if stamped is not None:
            service, others = token_signer(signature.timestamp, item)
            standings.append((service.common_name, trust.stamp_standing(service, others, stamped)))
    verdict = _signer(item, signature, profile, stamped, now)
    yield verdict
    if verdict.verdict != "valid":
        return
    at = stamped or signature.signing_time
    for one in _answerable(signature):
        standing = trust.standing(one, signature.chain, at, stamped is not None, embedded)
        standings.append((one.common_name, standing))
    yield standing_verdict(f"{item}: revocation", standings)


def _stamped(
    name: str, signature: PdfSignature, token: bytes, profile: Profile
) -> tuple[Verdict, datetime | None]:
    item = f"{name}: timestamp"
    try:
        stamped = verify_token(token, signature.signature, profile.stamp_anchors, name)
    except IntegrityProblem as error:
        return Verdict(item, "cannot-tell" if lacks_trust(error) else "invalid", str(error), error), None
    return Verdict(item, "valid", instant_text(stamped)), stamped


def _signer(
    name: str, signature: PdfSignature, profile: Profile, stamped: datetime | None, now: datetime
) -> Verdict:
    """The chains of the signer, and of the maker of an electronic seal, which must be valid then, too.

    Anybody with a certificate of the same roots could make a seal in any name: the maker must be a known one.
    Without a timestamp a past signing time is a mere claim, which must not make anything expired good.
    """
    item, at, proven = f"{name}: signer", stamped or now, list[str]()
    try:
        for one in _answerable(signature):
            verify_chain(one, signature.chain, profile.anchors, at, name)
            proven.append(one.common_name)
        if signature.seal is not None:
            signature.seal.check_signer(signature.signer, at, name)
    except IntegrityProblem as error:
        return Verdict(item, "cannot-tell" if lacks_trust(error) else "invalid", str(error), error)
    if signature.seal is not None and signature.seal.maker not in profile.seal_makers:
        return _unknown_maker(item, signature.seal)
    text = proven[0]
    if signature.signing_time is not None:
        text = f"{text}, at {instant_text(signature.signing_time)} by the signer's own clock"
    return Verdict(item, "valid", text if len(proven) == 1 else f"{text}, seal made by {proven[1]}")


def _unknown_maker(item: str, seal: ses.ElectronicSeal) -> Verdict:
    reason = f"the seal {seal.name} is by {seal.maker.common_name}, no seal maker of the settings"
    return Verdict(item, "cannot-tell", reason)


def _answerable(signature: PdfSignature) -> tuple[Certificate, ...]:
    return (signature.signer,) if signature.seal is None else (signature.signer, signature.seal.maker)
