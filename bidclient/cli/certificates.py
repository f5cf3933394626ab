"""certificates: whose they are, how long they last, whether they are trusted, and which bids need them."""

from pathlib import Path

import click

from bidclient.checks.validity import MARGIN
from bidclient.cli.say import Lines, Say, lines_of
from bidclient.cli.terminal import FOLDER, Terminal, command
from bidclient.cli.times import time_text
from bidclient.desk.certificates import CertificatesPage, Dependency, HeldCertificate
from bidclient.stages.evidence import Verdict


@command
@click.option("--bids", type=FOLDER, help="标书所在文件夹 / folder of the bid folders")
def certificates(terminal: Terminal, bids: Path | None) -> CertificatesPage:
    """证书一览：有效期、吊销状态、依赖它的未开标标书 / certificates and the bids that need them."""
    with terminal.desk() as desk:
        return desk.certificates.page(bids)


VERBS = {"certificates": certificates}


@lines_of.register
def _page(value: CertificatesPage, say: Say) -> Lines:
    if value.clock_off:
        seconds = round(value.clock_ahead or 0)
        faster = seconds > 0
        yield say(
            f"! 本机时间比交易网络{'快' if faster else '慢'} {abs(seconds)} 秒，请先校准；以下结论可能有误。",
            f"! This computer's clock is {abs(seconds)} s {'ahead of' if faster else 'behind'} the network's:"
            " set it first, what follows may be wrong.",
        )
    if not value.certificates:
        yield say("没有找到任何证书。", "No certificates found.")
    before: str | None = None
    for one in value.certificates:
        yield from _certificate(one, say)
        if one.pair is not None and one.pair == before:
            yield say(
                "    与上一张同属一套双证书", "    the other half of the one above (double certificate)"
            )
        before = one.sha256
    for orphan in value.orphans:
        yield say(
            f"! 眼前的证书都打不开这份未开标的标书：{orphan.bid}",
            f"! No certificate here opens this bid, which is still to be opened: {orphan.bid}",
        )
    for folder in value.unread:
        yield say(f"! 读不了的标书文件夹：{folder}", f"! A bid folder that cannot be read: {folder}")


def _certificate(one: HeldCertificate, say: Say) -> Lines:
    uses_zh = {"sign": "签名", "decrypt": "加密"}
    uses = "+".join(say(uses_zh[use], use) for use in one.uses)
    suite = say({"intl": "国际算法", "gm": "国密"}[one.suite], one.suite)
    yield f"{one.owner}  {one.uscc or ''}  [{uses}]  {suite} {one.algorithm}"
    yield f"    {one.id}"
    begins, ends = one.not_before[:10], one.not_after[:10]
    yield say(f"    有效期 {begins} 至 {ends}", f"    valid {begins} to {ends}") + _remark(one.dates, say)
    issuer, standing = say("签发者", "issuer"), say("吊销状态", "revocation")
    yield f"    {issuer} {one.issuer}  {_shown(one.chain, say)}"
    yield f"    {standing} {_shown(one.revocation, say)}"
    if one.revocation.verdict == "invalid":
        yield say(
            "    ! 不要再用它签章、加密；请联系发证机构补办。",
            "    ! Neither sign nor seal with it any more; ask its issuer for another.",
        )
    for bid in one.bids:
        yield from _bid(bid, one.revocation.verdict == "invalid", say)


def _shown(verdict: Verdict, say: Say) -> str:
    return f"[{say.verdict(verdict.verdict)}] {say.reason(verdict.reason, verdict.error)}"


def _remark(dates: Verdict, say: Say) -> str:
    return "" if dates.verdict == "valid" else f"  ! {say.reason(dates.reason)}"


def _bid(bid: Dependency, revoked: bool, say: Say) -> Lines:
    state = say("已递交", "submitted") if bid.submitted else say("已加密", "sealed")
    yield say(
        f"    未开标（{state}）：{bid.lot_name} {bid.lot}，开标 {time_text(bid.opening_at, say)}",
        f"    to be opened ({state}): {bid.lot_name} {bid.lot}, opening {time_text(bid.opening_at, say)}",
    )
    yield f"      {bid.bid}"
    if revoked:
        # Whatever is to be done about it, it is not about a renewal.
        return
    if bid.ends == "before-opening":
        yield say(
            "      ! 证书在开标结束前到期：能解密，但无法签到、确认；请发证机构保留原密钥续期。",
            "      ! It ends before the opening does: it still opens the bid, but cannot sign in or confirm; "
            "ask for a renewal that keeps the key.",
        )
    elif bid.ends == "within-margin":
        yield say(
            f"      ! 证书在开标后 {MARGIN.days} 天内到期，开标一旦延期就不够用；开标前不要换新密钥。",
            f"      ! It ends within {MARGIN.days} days after the opening, which may be put off; "
            "take no new key before.",
        )
    else:
        yield say(
            "      开标前不要换新密钥续期。", "      Do not renew it with a new key before the opening."
        )
