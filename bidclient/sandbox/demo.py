"""The demonstration: one real bid travels from tender to opened, and each step says what was verified."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path

from bidclient.ask import Nobody
from bidclient.desk import Desk, build
from bidclient.desk.seal_order import SealOrder
from bidclient.errors import Mismatch
from bidclient.formats import atomic
from bidclient.formats.content import file_digest
from bidclient.formats.instant import parse_instant
from bidclient.formats.money import yuan_text
from bidclient.network.clock import system_now, ticks
from bidclient.sandbox.competitors import Competitors
from bidclient.sandbox.demo_documents import assigned, clause_links
from bidclient.sandbox.demo_keys import DemoKeys, make_demo_keys
from bidclient.sandbox.demo_steps import DemoReport, Notes, Step
from bidclient.sandbox.pki import KeyType, trust_files
from bidclient.sandbox.process import Levers, running_sandbox
from bidclient.sandbox.samples import SampleBid, sample_bid
from bidclient.sandbox.seal_image import write_practice_seals
from bidclient.sandbox.seal_maker import write_practice_seal
from bidclient.stages.draft import Bidder
from bidclient.stages.stub import read_stub
from bidclient.stages.tender import Tender, read_tender
from bidclient.store.settings import NetworkSettings, Settings, write_settings

COMPETITORS = 3
LEAD_MINUTES = 120.0
_TRUST_FILES = ("ca", "ca-sm2", "roots", "tsa", "identity", "seal-maker")
_JUDGE_SECONDS = 120


class Journey:
    """Walks one bid through the desk that everybody uses; any failure raises."""

    def __init__(
        self,
        folder: Path,
        sample: str,
        documents: tuple[Path, ...],
        on_step: Callable[[Step], None],
        key_type: KeyType,
        *,
        soft: bool = False,
    ) -> None:
        self.folder = folder
        self.bid = folder / "bid"
        self.evidence = folder / "evidence"
        self.trust = folder / "trust"
        self.sample = sample
        self.kind = ""
        self.key_type = key_type
        self.suite = ""
        self.steps: list[Step] = []
        self._own_documents = documents
        self._soft = soft
        self._on_step = on_step

    def walk(self) -> None:
        """From an empty folder to a judged evidence folder. Raises BidError."""
        with ExitStack() as stack:
            with self._step("sandbox", "启动模拟交易网络", "A trading network starts") as notes:
                data = self.folder / "sandbox"
                levers = stack.enter_context(running_sandbox(data, (self.sample,), LEAD_MINUTES))
                notes.figures["address"] = levers.url
            self._at(levers)

    def _at(self, levers: Levers) -> None:
        wanted = sample_bid(self.sample)
        keys, settings = self._keys(levers, wanted)
        ask = Nobody(keys.pin)
        with build(settings, keys.environment) as desk:
            lot = self._register(desk, keys, ask)
            tender = read_tender(self.folder / "fetched.tender").tender
            self._draft(desk, tender, wanted)
            self._stamp(desk, keys, ask, wanted, levers)
            self._freeze(desk, keys, ask)
            with Competitors(levers.url, levers.data, (lot,), COMPETITORS) as competitors:
                self._submit(desk, keys, ask, competitors)
                self._open(desk, keys, ask, competitors, levers, tender)
                self._confirm(desk, keys, ask, competitors, levers)
            self._judge(desk)

    # ------------------------------------------------------------------------------------------- steps

    def _keys(self, levers: Levers, wanted: SampleBid) -> tuple[DemoKeys, Settings]:
        with self._step("keys", "签发双证书、备用锁", "A double certificate and a second lock") as notes:
            keys = make_demo_keys(
                levers.data, self.folder / "keys", wanted.bidder, self.key_type, soft=self._soft
            )
            self.kind = keys.kind
            self.trust.mkdir()
            for name in _TRUST_FILES:
                content = (levers.data / "trust" / f"{name}.pem").read_bytes()
                atomic.write(self.trust / f"{name}.pem", content)
                (self.trust / f"{name}.pem").chmod(0o644)
            settings = Settings(
                network=NetworkSettings(
                    address=levers.url,
                    kind="sandbox",
                    trust=tuple(map(str, trust_files(self.trust))),
                    stamp_address=f"{levers.url}/tsa",
                    ocsp=(f"{levers.url}/ocsp",),
                    identity=str(self.trust / "identity.pem"),
                    seal_makers=(str(self.trust / "seal-maker.pem"),),
                ),
                pfx_files=keys.pfx_files,
            )
            write_settings(self.folder / "settings.toml", settings)
            with build(settings, keys.environment) as desk:
                probe = desk.keychain.test(keys.signing, Nobody(keys.pin), ticks)
            notes.proven("签名证书可以签名", "the signing key signs")
            notes.figures |= {
                "keys": keys.kind,
                "key_type": self.key_type,
                "sign_ms": round((probe.sign_seconds or 0) * 1000),
            }
        return keys, settings

    def _register(self, desk: Desk, keys: DemoKeys, ask: Nobody) -> str:
        with self._step("tender", "登录、报名、下载招标文件", "Log in, register, fetch the tender") as notes:
            session = desk.hall.log_in(keys.signing, ask)
            (lot,) = desk.hall.lots("", keys.signing, ask)
            desk.hall.register(lot.id, "演示联系人", "0934-0000000", keys.signing, ask)
            fetched = desk.hall.download_tender(lot.id, self.folder / "fetched.tender", keys.signing, ask)
            notes.proven(
                "招标文件的签名、证书链、每份附件的摘要",
                "the tender's signature, its chain, every document's digest",
            )
            notes.figures |= {
                "lot": lot.name,
                "deadline": fetched.deadline,
                "clock_bound_ms": session.clock_bound_ms,
            }
        return lot.id

    def _draft(self, desk: Desk, tender: Tender, wanted: SampleBid) -> None:
        with self._step("draft", "编制投标文件", "Make the draft") as notes:
            desk.preparing.new(self.folder / "fetched.tender", self.bid)
            (self.folder / "fetched.tender").unlink()
            desk.preparing.set_fields(self.bid, wanted.typed)
            desk.preparing.set_prices(self.bid, wanted.prices)
            own = assigned(self._own_documents, wanted, tender)
            for document in wanted.documents:
                path = own.get((document.part, document.name), document.path)
                desk.preparing.add(self.bid, document.part, [path], document.name)
            desk.preparing.link(
                self.bid, clause_links(wanted, desk.preparing.status(self.bid).documents, own)
            )
            status = desk.preparing.status(self.bid)
            if status.missing:
                desk.checking.require_complete(self.bid)
            notes.proven("招标文件要求的内容都已齐备", "nothing that the tender asks for is missing")
            notes.figures |= {
                "documents": len(status.documents),
                "own_documents": len(own),
                "pages": sum(document.pages for document in status.documents),
                "price": yuan_text(wanted.total_fen),
            }

    def _stamp(self, desk: Desk, keys: DemoKeys, ask: Nobody, wanted: SampleBid, levers: Levers) -> None:
        with self._step("stamped", "在规定位置签章并检查", "Seal the documents and check the draft") as notes:
            seals = self.folder / "seals"
            pictures = write_practice_seals(wanted.bidder, wanted.cost_engineer, seals)
            order = SealOrder(pictures=pictures, electronic_seal=_seal_of(keys, wanted.bidder, seals, levers))
            stamped = desk.stamping.stamp(self.bid, keys.signing, order, ask)
            if not stamped.complete:
                raise Mismatch("seals", "all", "; ".join(file.reason for file in stamped.files))
            report = desk.checking.require_complete(self.bid)
            notes.proven("每枚印章有效且覆盖整个文件", "every seal holds and covers its whole file")
            notes.proven(
                f"检查结果 {len(report.findings)} 项，没有必须改正的",
                f"{len(report.findings)} findings, none of them blocking",
            )
            notes.figures["sealed"] = len(stamped.files)

    def _freeze(self, desk: Desk, keys: DemoKeys, ask: Nobody) -> None:
        with self._step("package", "固化", "Freeze the draft") as notes:
            packed = desk.signing.pack(self.bid)
            notes.proven("每份文件与编制时的摘要一致", "every document equals its digest in the draft")
            notes.figures |= {"bytes": packed.size, "manifest": packed.manifest_sha256}
        with self._step("signed", "签章并加盖时间戳", "Sign, with a timestamp") as notes:
            signed = desk.signing.sign(self.bid, keys.signing, ask)
            notes.proven("签名和时间戳在使用前已核验", "signature and timestamp were verified before use")
            notes.figures |= {"signer": signed.signers[0], "signed_at": signed.signed_at}
        with self._step("sealed", "加密并试解密", "Seal and rehearse") as notes:
            code = self.folder / "recovery-code.txt"
            sealed = desk.sealing.seal(
                self.bid, keys.signing, ask, second_lock=keys.second_lock, recovery_file=code
            )
            if sealed.rehearsal is None:
                raise Mismatch("rehearsal", "done", "not done")
            notes.proven(
                "本单位的锁打得开，内容与签章文件逐字节一致",
                "our own key opens it, byte for byte the signed bid",
            )
            self.suite = read_stub(Path(sealed.stub).read_bytes()).stub.suite
            notes.figures |= {
                "suite": self.suite,
                "bytes": sealed.size,
                "sha256": sealed.sha256,
                "chunks": sealed.rehearsal.chunks,
                "recipients": len(sealed.recipients),
            }
            if sealed.rehearsal.alone:
                out = self.folder / "read-again.asice"
                text = code.read_text("ascii")
                desk.sealing.unseal_with_code(self.bid / "bid.sealed", out, text, ask)
                if file_digest(out) != file_digest(self.bid / "bid.asice"):
                    raise Mismatch("bid.asice", "the signed bid", "something else")
                out.unlink()
                notes.proven("信封码也打得开", "the recovery code opens it too")

    def _submit(self, desk: Desk, keys: DemoKeys, ask: Nobody, competitors: Competitors) -> None:
        with self._step("competitors", "其他投标人递交", "Others submit their bids") as notes:
            competitors.submit_all()
            notes.figures["competitors"] = COMPETITORS
        with self._step("submitted", "上传、递交、核对回执", "Upload, finalize, check the receipt") as notes:
            done = desk.submitting.submit(self.bid, keys.signing, ask)
            again = desk.submitting.submit(self.bid, keys.signing, ask)
            if again.receipt_no != done.receipt_no:
                raise Mismatch("receipt_no", done.receipt_no, again.receipt_no)
            notes.proven(
                "回执与本地摘要逐项一致，有时间戳，早于截止时间",
                "the receipt agrees with our own digests, is timestamped, and came before the deadline",
            )
            notes.proven("再次递交得到同一回执", "submitting again gives the same receipt")
            notes.figures |= {
                "receipt": done.receipt_no,
                "received_at": done.received_at,
                "uploaded": done.uploaded,
            }

    def _open(
        self,
        desk: Desk,
        keys: DemoKeys,
        ask: Nobody,
        competitors: Competitors,
        levers: Levers,
        tender: Tender,
    ) -> None:
        opening_at = parse_instant(tender.opening_at)
        with self._step("sign-in", "签到", "Sign in") as notes:
            levers.jump(opening_at - timedelta(minutes=5))
            said = desk.opening.sign_in(self.bid, keys.signing, ask, agent="演示代理人")
            competitors.sign_in_all()
            notes.proven("网络的签收已核验", "the network's signed acknowledgement was verified")
            notes.figures["event"] = said.seq
        with self._step("release", "开标：提交密钥", "The opening: release the key") as notes:
            levers.jump(opening_at + timedelta(seconds=1))
            said = desk.opening.release(self.bid, keys.signing, ask)
            competitors.release_all()
            notes.proven(
                "密钥发出前已与承诺值核对", "the key was checked against the commitment before it left"
            )
            notes.figures |= {"event": said.seq, "method": said.detail}

    def _confirm(
        self, desk: Desk, keys: DemoKeys, ask: Nobody, competitors: Competitors, levers: Levers
    ) -> None:
        with self._step("read-out", "唱标、核对、确认", "Read-out, compare, confirm") as notes:
            (lot,) = levers.lots()
            levers.end_step(lot.opening, "decrypting")
            confirmed = desk.opening.confirm(self.bid, keys.signing, ask)
            competitors.confirm_all()
            notes.proven(
                "本单位一行与本地投标文件重算的结果一致",
                "our row equals the one recomputed from our own package",
            )
            notes.proven("唱标表就是开标记录链里的那一张", "the table is the one that the chain recorded")
            rows = sorted(confirmed.readout.rows, key=lambda row: row.price_fen)
            notes.figures |= {row.bidder_name: yuan_text(row.price_fen) for row in rows}
            notes.figures["table"] = confirmed.table_sha256
        with self._step("closed", "开标结束", "The opening closes") as notes:
            for running in ("read-out", "objection"):
                levers.end_step(lot.opening, running)
            events = desk.opening.watch(self.bid, keys.signing, ask, lambda _event: None)
            notes.proven(f"{len(events)} 条记录，链条连续", f"{len(events)} events without a gap")
            notes.figures["last"] = events[-1].type

    def _judge(self, desk: Desk) -> None:
        with self._step(
            "evidence", "导出证据并离线核验", "Export the evidence and judge it offline"
        ) as notes:
            exported = desk.evidence.export(self.bid, self.evidence)
            judgement = desk.evidence.verify(self.evidence, self.trust)
            for verdict in judgement.verdicts:
                if verdict.verdict != "valid":
                    raise Mismatch(verdict.item, "valid", f"{verdict.verdict}: {verdict.reason}")
            notes.proven(
                f"仅凭文件核验 {len(judgement.verdicts)} 项，全部有效",
                f"{len(judgement.verdicts)} items valid by their files alone",
            )
            notes.figures["files"] = len(exported.files)
            if shutil.which("openssl") and shutil.which("bash"):
                _stock_tools(self.evidence, self.trust)
                notes.proven(
                    "openssl、sha256sum 的结论相同（evidence/verify.sh）",
                    "openssl and sha256sum agree (evidence/verify.sh)",
                )

    @contextmanager
    def _step(self, name: str, title_zh: str, title_en: str) -> Iterator[Notes]:
        start, notes = ticks(), Notes()
        yield notes
        step = Step(name, title_zh, title_en, tuple(notes.verified), notes.figures, ticks() - start)
        self.steps.append(step)
        self._on_step(step)


def run_demo(
    folder: Path,
    sample: str,
    documents: tuple[Path, ...],
    on_step: Callable[[Step], None],
    *,
    keep: bool,
    soft: bool = False,
    key_type: KeyType = "rsa-2048",
) -> DemoReport:
    """Walk the journey in `folder`, which is new or empty. Raises BidError when anything fails."""
    start = ticks()
    journey = Journey(folder, sample, documents, on_step, key_type, soft=soft)
    journey.walk()
    return DemoReport(
        passed=True,
        sample=sample,
        keys=journey.kind,
        key_type=key_type,
        suite=journey.suite,
        steps=tuple(journey.steps),
        seconds=ticks() - start,
        folder=str(folder) if keep else None,
    )


def _seal_of(keys: DemoKeys, bidder: Bidder, folder: Path, levers: Levers) -> Path | None:
    """The electronic seal that an SM2 key signs PDFs with; other keys need none. Raises DiskProblem."""
    if keys.certificate.key_algorithm != "sm2":
        return None
    path = folder / "company.esl"
    write_practice_seal(
        levers.data, keys.certificate, bidder.name, bidder.uscc, "company", path, system_now()
    )
    return path


def _stock_tools(evidence: Path, trust: Path) -> None:
    """Run evidence/verify.sh. Raises Mismatch with what it said last."""
    done = subprocess.run(
        ["bash", "verify.sh", *(str((trust / name).resolve()) for name in ("roots.pem", "identity.pem"))],
        cwd=evidence,
        capture_output=True,
        text=True,
        timeout=_JUDGE_SECONDS,
        check=False,
    )
    if done.returncode != 0:
        raise Mismatch("verify.sh", "0", f"{done.returncode}: {(done.stdout + done.stderr)[-400:]}")
