"""What a key is wanted for, in the lines that a person reads on the phone before approving it.

The phone's authority reads them too, so they name the act, the project and the lot, and how many files there
are: no name of a file, which in a blind part could tell whose bid it is, and nothing out of the bid.
"""

from typing import Literal

from bidclient.stages.tender import Tender

Purpose = tuple[str, ...]
Act = Literal[
    "log-in",
    "stamp",
    "sign",
    "co-sign",
    "seal",
    "rehearse",
    "unseal",
    "submit",
    "withdraw",
    "sign-in",
    "release",
    "confirm",
    "objection",
    "test",
]
_ACTS: dict[Act, str] = {
    "log-in": "登录交易平台 / log in to the trading network",
    "stamp": "电子签章 / put seals on documents",
    "sign": "投标文件签名 / sign the bid",
    "co-sign": "投标文件追加签名 / co-sign the bid",
    "seal": "加密投标文件 / seal the bid",
    "rehearse": "解密演练，内容不外传 / rehearse the opening, nothing is sent",
    "unseal": "自行解密投标文件 / open our own bid",
    "submit": "递交投标文件 / submit the bid",
    "withdraw": "撤回投标文件 / withdraw the bid",
    "sign-in": "开标签到 / sign in to the opening",
    "release": "开标解密 / release the key at the opening",
    "confirm": "确认开标记录 / confirm the read-out",
    "objection": "提出开标异议 / object at the opening",
    "test": "测试证书 / test the key",
}


def purpose(act: Act, tender: Tender | None = None, files: int = 0) -> Purpose:
    """The lines for an act, about the lot of `tender` and so many files where there are any."""
    lines = [_ACTS[act]]
    if tender is not None:
        lines += [f"项目 / project: {tender.project.name}", f"标段 / lot: {tender.lot.name}"]
    if files:
        lines.append(f"文件 {files} 份 / files: {files}")
    return tuple(lines)
