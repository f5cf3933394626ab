"""Resumable uploads: tus 1.0.0 with creation, checksum, expiration and termination, bound to submissions.

The offset is the size of the file, nothing else: what was acknowledged is on the disk, also after a kill.
"""

import asyncio
import hashlib
import os
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.routing import Route

from bidclient.errors import BadSeal
from bidclient.formats.instant import instant_text, parse_instant
from bidclient.formats.tally import Digests, Tally
from bidclient.sandbox import tus
from bidclient.sandbox.login import MAX_PATCH, MAX_SEALED
from bidclient.sandbox.problems import Refusal
from bidclient.sandbox.stored import Submission, owned, set_state
from bidclient.sandbox.transfers import Transfer
from bidclient.sandbox.web import Action, Call, cut, resource
from bidclient.sandbox.world import World
from bidclient.stages.stub import read_stub
from bidclient.stages.tender import Tender

RETENTION = timedelta(days=7)
"""How long bytes stay after the time for uploading is over."""
SILENCE_SECONDS = 30.0
_LOOK_SECONDS = 0.5
_TAKE_OVER_SECONDS = 10.0
_HASH_BLOCK = 1024 * 1024


def stored_size(world: World, upload: str) -> int:
    """The bytes that are stored durably; 0 when they were removed."""
    path = world.upload_path(upload)
    return path.stat().st_size if path.exists() else 0


def stored_digests(world: World, submission: Submission) -> Digests:
    """The digests of a complete upload, from what was counted while it arrived.

    Raises Refusal.
    """
    transfer = world.transfers.of(submission.upload)
    try:
        return _tally(world, submission, transfer, stored_size(world, submission.upload)).result()
    except BadSeal as error:
        transfer.tally = None
        raise Refusal("digest-mismatch", error.reason) from error


async def create(call: Call) -> Response:
    """POST /v1/uploads (creation): gives the upload of the submission that the metadata names."""
    tus.check_version(call)
    length = tus.number(call, "Upload-Length")
    metadata = tus.metadata(call.request.headers.get("upload-metadata", ""))
    if "submission" not in metadata:
        raise Refusal("bad-request", "Upload-Metadata: submission is expected")
    submission = await run_in_threadpool(_by_id, call, metadata["submission"])
    if length > MAX_SEALED:
        raise Refusal("payload-too-large", f"at most {MAX_SEALED} bytes")
    if length != submission.size:
        raise Refusal("bad-request", f"the stub says {submission.size} bytes")
    headers = _headers(call.world, submission) | {"Location": f"/v1/uploads/{submission.upload}"}
    return Response(status_code=201, headers=headers)


def capabilities(_call: Call) -> Response:
    """OPTIONS /v1/uploads."""
    return Response(
        status_code=204,
        headers={
            "Tus-Resumable": tus.VERSION,
            "Tus-Version": tus.VERSION,
            "Tus-Extension": tus.EXTENSIONS,
            "Tus-Checksum-Algorithm": "sha256",
            "Tus-Max-Size": str(MAX_SEALED),
        },
    )


async def offset(call: Call) -> Response:
    """HEAD: how much is stored. Whoever is still sending on a dead line is stopped."""
    tus.check_version(call)
    submission = await run_in_threadpool(_by_upload, call)
    transfer = call.world.transfers.of(submission.upload)
    async with _Turn(transfer):
        size = stored_size(call.world, submission.upload)
    headers = _headers(call.world, submission) | {
        "Upload-Offset": str(size),
        "Upload-Length": str(submission.size),
        "Cache-Control": "no-store",
        "Bidnet-Upload-State": "open" if call.world.now() < _window_end(call.world, submission) else "closed",
    }
    return Response(status_code=200, headers=headers)


async def append(call: Call) -> Response:
    """PATCH: the bytes from Upload-Offset on; with a checksum all of them count or none."""
    tus.check_version(call)
    media_type = call.request.headers.get("content-type", "").partition(";")[0].strip()
    if media_type != tus.PATCH_TYPE:
        raise Refusal("unsupported-media-type", f"{tus.PATCH_TYPE} is expected")
    start = tus.number(call, "Upload-Offset")
    checksum = tus.checksum(call)
    submission = await run_in_threadpool(_by_upload, call)
    transfer = call.world.transfers.of(submission.upload)
    async with _Turn(transfer):
        submission = await run_in_threadpool(_by_upload, call)
        return await _append(call, submission, transfer, start, checksum)


async def terminate(call: Call) -> Response:
    """DELETE (termination): the bytes are removed, and the submission with them unless it is sealed."""
    tus.check_version(call)
    submission = await run_in_threadpool(_by_upload, call)
    if submission.state not in ("uploading", "uploaded"):
        raise Refusal("wrong-state", submission.state)
    transfer = call.world.transfers.of(submission.upload)
    async with _Turn(transfer):
        await run_in_threadpool(_remove, call.world, submission)
    return Response(status_code=204, headers={"Tus-Resumable": tus.VERSION})


async def overridden(call: Call) -> Response:
    """POST with X-HTTP-Method-Override, for proxies that know no PATCH (tus 1.0.0, headers)."""
    method = call.request.headers.get("x-http-method-override", "")
    if method not in _METHODS:
        raise Refusal("bad-request", "X-HTTP-Method-Override: PATCH, HEAD or DELETE is expected")
    return await _METHODS[method](call)


_METHODS = {"PATCH": append, "HEAD": offset, "DELETE": terminate}


class _Turn:
    """One request at a time works on an upload, and a newer one does not wait for a stalled older one."""

    def __init__(self, transfer: Transfer) -> None:
        self._transfer = transfer

    async def __aenter__(self) -> None:
        self._transfer.stop.set()
        try:
            async with asyncio.timeout(_TAKE_OVER_SECONDS):
                await self._transfer.lock.acquire()
        except TimeoutError as error:
            raise Refusal("in-progress", retry_after=1) from error
        self._transfer.stop = asyncio.Event()

    async def __aexit__(self, *_: object) -> None:
        self._transfer.lock.release()


async def _append(
    call: Call, submission: Submission, transfer: Transfer, start: int, checksum: bytes | None
) -> Response:
    world, end = call.world, _window_end(call.world, submission)
    stored = stored_size(world, submission.upload)
    _check_open(world, end, stored)
    if start != stored:
        raise Refusal("offset-mismatch", f"{stored} bytes are stored", offset=stored, headers=_at(stored))
    room = min(MAX_PATCH, submission.size - stored)
    if int(call.request.headers.get("content-length") or 0) > room:
        raise Refusal("payload-too-large", f"at most {room} bytes here", offset=stored)
    data, whole = await _receive(call, end, transfer, room, stored)
    if checksum is not None:
        if not whole:
            raise Refusal("bad-request", "the body ended early", offset=stored)
        if hashlib.sha256(data).digest() != checksum:
            raise Refusal("checksum-mismatch", offset=stored)
    _check_open(world, end, stored)
    size = await run_in_threadpool(_store, world, submission, transfer, stored, data)
    return Response(status_code=204, headers=_headers(world, submission) | _at(size))


async def _receive(
    call: Call, end: datetime, transfer: Transfer, room: int, stored: int
) -> tuple[bytes, bool]:
    """The body, and whether it is whole: not when the line broke, went silent or was taken over."""
    data = bytearray()
    stop, pieces = transfer.stop, call.request.stream()
    silent = 0.0
    while True:
        upcoming = asyncio.ensure_future(anext(pieces, b""))
        stopped = asyncio.ensure_future(stop.wait())
        try:
            while not upcoming.done():
                await asyncio.wait(
                    {upcoming, stopped}, timeout=_LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED
                )
                _check_open(call.world, end, stored)
                if stop.is_set():
                    return bytes(data), False
                silent += 0 if upcoming.done() else _LOOK_SECONDS
                if silent >= SILENCE_SECONDS:
                    return bytes(data), False
            silent = 0.0
            piece = upcoming.result()
        except ClientDisconnect:
            return bytes(data), False
        finally:
            stopped.cancel()
            upcoming.cancel()
        if not piece:
            return bytes(data), True
        data += piece
        if len(data) > room:
            raise Refusal("payload-too-large", f"at most {room} bytes here", offset=stored)
        _count(call, len(piece))


def _count(call: Call, count: int) -> None:
    transfers = call.world.transfers
    before, transfers.passed = transfers.passed, transfers.passed + count
    every = int(call.world.faults.value("reset-every-n"))
    if every and transfers.passed // every > before // every:
        cut(call.request)


def _store(world: World, submission: Submission, transfer: Transfer, stored: int, data: bytes) -> int:
    """Count and write the bytes at `stored`; returns the new size. Raises Refusal, with nothing written."""
    if not data:
        return stored
    try:
        _tally(world, submission, transfer, stored).update(data)
    except BadSeal as error:
        transfer.tally = None
        raise Refusal("digest-mismatch", error.reason, offset=stored) from error
    transfer.counted = stored + len(data)
    with world.upload_path(submission.upload).open("ab") as file:
        try:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        except OSError:
            # A full disk: all of a piece is stored, or nothing of it.
            transfer.tally = None
            os.truncate(file.fileno(), stored)
            raise
    size = stored + len(data)
    if size == submission.size:
        with world.database.writing():
            world.database.run(
                "UPDATE submissions SET state = 'uploaded' WHERE id = ? AND state = 'uploading'",
                submission.id,
            )
    return size


def _tally(world: World, submission: Submission, transfer: Transfer, stored: int) -> Tally:
    """The running digests over the first `stored` bytes; after a restart they are taken from the disk."""
    if transfer.tally is None or transfer.counted != stored:
        tally = Tally(read_stub(submission.stub).frame)
        if stored:
            with world.upload_path(submission.upload).open("rb") as file:
                while block := file.read(_HASH_BLOCK):
                    tally.update(block)
        transfer.tally, transfer.counted = tally, stored
    return transfer.tally


def _remove(world: World, submission: Submission) -> None:
    with world.database.writing():
        set_state(world, submission.id, "expired", "terminated")
    world.upload_path(submission.upload).unlink(missing_ok=True)
    world.transfers.forget(submission.upload)


def _by_upload(call: Call) -> Submission:
    return _usable(
        call,
        call.world.database.row(
            Submission, "SELECT * FROM submissions WHERE upload = ?", call.step("upload")
        ),
    )


def _by_id(call: Call, submission: str) -> Submission:
    return _usable(
        call, call.world.database.row(Submission, "SELECT * FROM submissions WHERE id = ?", submission)
    )


def _usable(call: Call, submission: Submission | None) -> Submission:
    """A submission of the caller's whose bytes have not been removed. Raises Refusal."""
    if submission is None:
        raise Refusal("not-found", "upload")
    owned(call, submission)
    unfinished = submission.state in ("uploading", "uploaded", "expired")
    if submission.state == "expired" and submission.reason == "terminated":
        raise Refusal("gone")
    if unfinished and call.world.now() >= _window_end(call.world, submission) + RETENTION:
        _remove(call.world, submission)
        raise Refusal("gone", "expired")
    return submission


def _tender(world: World, submission: Submission) -> Tender:
    return world.tender(world.lot(submission.lot)).parsed


def _window_end(world: World, submission: Submission) -> datetime:
    tender = _tender(world, submission)
    return parse_instant(tender.upload_until if tender.submission == "hash-first" else tender.deadline)


def _check_open(world: World, end: datetime, stored: int) -> None:
    """Bytes may still come until `end`. Raises Refusal."""
    if world.now() >= end:
        raise Refusal("deadline-passed", deadline=instant_text(end), offset=stored)


def _headers(world: World, submission: Submission) -> dict[str, str]:
    expires = format_datetime((_window_end(world, submission) + RETENTION).astimezone(UTC), usegmt=True)
    return {"Tus-Resumable": tus.VERSION, "Upload-Expires": expires}


def _at(size: int) -> dict[str, str]:
    return {"Upload-Offset": str(size)}


ROUTES: list[Route] = [
    resource("/v1/uploads", OPTIONS=Action(capabilities, public=True), POST=create),
    resource("/v1/uploads/{upload}", HEAD=offset, PATCH=append, DELETE=terminate, POST=overridden),
]
