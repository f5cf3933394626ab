"""Every refusal that the network can utter (RFC 9457), by the code that clients switch on."""

from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus

import msgspec
from starlette.exceptions import HTTPException

from bidclient.formats.instant import instant_text
from bidclient.network.wire import PROBLEM_URN, Problem

PROBLEMS: dict[str, tuple[int, str]] = {
    "bad-request": (400, "请求格式不正确"),
    "idempotency-key-missing": (400, "缺少 Idempotency-Key"),
    "unauthorized": (401, "未登录或登录已失效"),
    "deadline-passed": (403, "已过递交截止时间"),
    "decrypt-window-closed": (403, "解密时间已到，不可解密"),
    "not-registered": (403, "尚未报名该标段"),
    "not-yours": (403, "不属于本单位"),
    "forbidden-host": (403, "模拟交易网络仅供本机使用"),
    "not-found": (404, "不存在"),
    "method-not-allowed": (405, "不支持该方法"),
    "wrong-state": (409, "当前状态不允许该操作"),
    "upload-incomplete": (409, "文件尚未上传完整"),
    "offset-mismatch": (409, "上传位置不一致"),
    "in-progress": (409, "相同请求正在处理"),
    "not-yet": (409, "时间未到"),
    "paused": (409, "开标已暂停"),
    "already-released": (409, "已提交解密密钥"),
    "gone": (410, "已删除"),
    "precondition": (412, "协议版本不受支持"),
    "payload-too-large": (413, "内容超过大小限制"),
    "unsupported-media-type": (415, "内容类型不受支持"),
    "checksum-mismatch": (460, "分块校验值不一致"),
    "digest-mismatch": (422, "文件摘要与存证文件不一致"),
    "statement-mismatch": (422, "声明内容与记录不一致"),
    "bad-signature": (422, "签名验证未通过"),
    "bad-stub": (422, "存证文件无法解析"),
    "cert-expired": (422, "证书不在有效期内"),
    "cert-revoked": (422, "证书已吊销"),
    "cert-unknown": (422, "证书不受信任"),
    "cert-not-bound": (422, "证书不属于本单位"),
    "stale-documents": (422, "招标文件已更新，须按最新版本重新制作"),
    "nonce-invalid": (422, "随机数无效或已使用"),
    "idempotency-key-reused": (422, "Idempotency-Key 已用于其他请求"),
    "key-mismatch": (422, "密钥与密封时的承诺不一致"),
    "unwrap-failed": (422, "密钥信封无法打开"),
    "rate-limited": (429, "操作过于频繁"),
    "internal": (500, "服务内部错误"),
    "unavailable": (503, "服务暂不可用"),
}
_RETRYABLE = frozenset(
    {"in-progress", "not-yet", "paused", "rate-limited", "unavailable", "checksum-mismatch"}
)
_BY_STATUS = {404: "not-found", 405: "method-not-allowed", 400: "bad-request", 413: "payload-too-large"}


class Refusal(HTTPException):
    """The network says no; the reply is the problem document of `code`."""

    def __init__(
        self,
        code: str,
        detail: str = "",
        *,
        deadline: str | None = None,
        offset: int | None = None,
        retry_after: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(PROBLEMS[code][0], code, dict(headers or {}))
        self.code = code
        self.explanation = detail
        self.deadline = deadline
        self.offset = offset
        self.retry_after = retry_after


def document(refusal: Refusal, now: datetime, trace_id: str) -> bytes:
    """The JSON of a refusal; `now` is the network's time, which every problem document tells."""
    status, title = PROBLEMS[refusal.code]
    problem = Problem(
        type=PROBLEM_URN + refusal.code,
        code=refusal.code,
        title=title,
        status=status,
        detail=refusal.explanation,
        retryable=refusal.code in _RETRYABLE,
        retry_after=refusal.retry_after,
        server_time=instant_text(now),
        deadline=refusal.deadline,
        offset=refusal.offset,
        trace_id=trace_id,
    )
    return msgspec.json.encode(problem)


def of_framework(error: HTTPException) -> Refusal:
    """A refusal of the web framework itself, such as 404 and 405, in our words."""
    code = _BY_STATUS.get(error.status_code, "bad-request")
    phrase = HTTPStatus(error.status_code).phrase
    return Refusal(code, phrase, headers=error.headers)
