"""The report as one HTML file that needs nothing else: no network, no script, no font of its own.

Everything that comes from a file or a person is escaped; filters are radio buttons and CSS.
"""

from collections.abc import Iterable, Iterator
from html import escape

from bidclient import resource
from bidclient.explain import Language
from bidclient.similarity.report.highlight import Piece, flowing, side_by_side
from bidclient.similarity.report.self_check import Found, Proof, SamePassage, SelfCheck, Spot
from bidclient.similarity.report.words import Words, share_row

_SEVERITIES = ("blocking", "warning", "info")


def report_html(record: SelfCheck, language: Language) -> bytes:
    """The whole report in one language, UTF-8."""
    words = Words(language)
    css = resource.read_bytes("report/self-check.css").decode("utf-8")
    title = words("投标文件自查报告", "Self-check of a bid")
    body = "\n".join(_body(record, words, title))
    page = (
        f'<!DOCTYPE html>\n<html lang="{words("zh-CN", "en")}"><head><meta charset="utf-8">\n'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "style-src 'unsafe-inline'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{_text(title)}</title>\n<style>\n{css}</style></head>\n<body><main>\n{body}\n</main></body></html>\n"
    )
    return page.encode("utf-8")


def _body(record: SelfCheck, words: Words, title: str) -> Iterator[str]:
    subject = record.subject
    yield f"<h1>{_text(title)}</h1>"
    yield f'<p class="soft">{_text(subject.project_name)} · {_text(subject.lot_name)}</p>'
    yield f'<p class="notice">{_text(words(record.notice_zh, record.notice_en))}</p>'
    yield from _counts(record, words)
    yield from _subject(record, words)
    yield from _findings(record, words)
    yield from _coverage(record, words)
    yield from _passages(record, words)
    yield from _not_checked(record, words)
    yield from _inputs(record, words)
    yield from _parameters(record, words)


def _counts(record: SelfCheck, words: Words) -> Iterator[str]:
    yield '<div class="counts">'
    for severity in _SEVERITIES:
        count = sum(one.severity == severity for one in record.findings)
        yield f'<div class="{severity}"><b>{count}</b>{words.severity(severity)}</div>'
    accepted = sum(one.accepted is not None for one in record.findings)
    yield f"<div><b>{accepted}</b>{words('已说明', 'explained')}</div>"
    yield f"<div><b>{share_row(record.total)[0]}</b>{words('需关注的相同文字', 'same text to look at')}</div>"
    yield f"<div><b>{len(record.skipped)}</b>{words('项未检查', 'not checked')}</div>"
    yield f"<div><b>{len(record.refused)}</b>{words('个文件拒收', 'files refused')}</div></div>"


def _subject(record: SelfCheck, words: Words) -> Iterator[str]:
    one = record.subject
    rows = (
        (words("投标人", "bidder"), f"{one.bidder} {one.uscc}"),
        (words("项目", "project"), f"{one.project_name} {one.project}"),
        (words("标段", "lot"), f"{one.lot_name} {one.lot_code}"),
        (words("招标文件", "tender"), f"v{one.tender_version} SHA-256 {one.tender_sha256}"),
        (words("投标工程文件", "draft"), f"SHA-256 {one.draft_sha256}"),
        (words("检查时间", "checked at"), f"{record.made_at} · {record.client}"),
    )
    yield "<table>"
    for name, value in rows:
        yield f"<tr><th>{_text(name)}</th><td>{_text(value)}</td></tr>"
    yield "</table>"


# ---------------------------------------------------------------------------------------------- findings


def _findings(record: SelfCheck, words: Words) -> Iterator[str]:
    yield f"<h2>{words('检查结果', 'Findings')}</h2>"
    if not record.findings:
        yield f"<p>{words('没有发现问题。', 'Nothing was found.')}</p>"
        return
    choices = [("all", words("全部", "all")), *((one, words.severity(one)) for one in _SEVERITIES)]
    yield "<div>" + _filters("severity", choices) + '<div class="list">'
    for finding in record.findings:
        yield from _finding(finding, words)
    yield "</div></div>"


def _finding(one: Found, words: Words) -> Iterator[str]:
    yield f'<article class="card {one.severity}{" accepted" if one.accepted else ""}">'
    yield (
        f'<p><span class="tag {one.severity}">{words.severity(one.severity)}</span> '
        f'<b>{_text(one.rule)}</b> <span class="message">{_text(words.message(one))}</span></p>'
    )
    if words.advice(one):
        yield f"<p>→ {_text(words.advice(one))}</p>"
    if words.basis(one):
        yield f'<p class="soft">{words("依据", "Basis")}：{_text(words.basis(one))}</p>'
    if one.accepted:
        told = f"{one.accepted.reason} ({one.accepted.at})"
        yield (f'<p><span class="tag accepted">{words("已说明", "explained")}</span> {_text(told)}</p>')
    for proof in one.evidence:
        yield _proof(proof, words)
    yield f'<p class="soft mono">{one.id[:16]}</p></article>'


def _proof(proof: Proof, words: Words) -> str:
    here = _side(proof.here, _whole(proof.here.quote or proof.fact), words)
    fact = f"<p>{_text(proof.fact)}</p>" if proof.fact and proof.here.quote else ""
    if proof.there is None:
        return here + fact
    return f'<div class="sides">{here}{_side(proof.there, _whole(proof.there.quote), words)}</div>{fact}'


def _whole(text: str) -> tuple[Piece, ...]:
    """A text in which nothing differs."""
    return (Piece(flowing(text), True),)


def _side(spot: Spot, pieces: Iterable[Piece], words: Words) -> str:
    """One side: where it stands, with the digest and the offsets by which it can be found again."""
    said = "".join(_text(one.text) if one.same else f"<mark>{_text(one.text)}</mark>" for one in pieces)
    where = f"{spot.start}–{spot.end}" if spot.end else ""
    digest = f" {spot.sha256[:12]}" if spot.sha256 else ""
    exact = f'<span class="mono"> {where}{digest}</span>' if where or digest else ""
    return f'<div class="side"><h4>{_text(words.place(spot))}{exact}</h4><div>{said}</div></div>'


# ---------------------------------------------------------------------------------------------- passages


def _passages(record: SelfCheck, words: Words) -> Iterator[str]:
    yield f"<h2>{words('相同或相似的文字', 'Passages that are alike')}</h2>"
    if not record.passages:
        yield f"<p>{words('没有。', 'None.')}</p>"
        return
    told = words(
        "左为投标文件，右为比对文件；标黄处两侧不同。",
        "Left the draft, right what it is like; what differs is marked.",
    )
    yield f'<p class="soft">{told}</p>'
    choices = [
        ("every", words("全部", "all")),
        ("counting", words.excuse("")),
        ("excused", words("可引用", "quoted")),
    ]
    yield "<div>" + _filters("passage", choices) + '<div class="list">'
    for passage in record.passages:
        yield _passage(passage, words)
    yield "</div></div>"
    if record.left_out:
        count = record.left_out
        yield f"<p>{words(f'另有 {count} 处较短的未列出。', f'{count} shorter ones are not listed.')}</p>"


def _passage(one: SamePassage, words: Words) -> str:
    ours: Iterable[Piece]
    theirs: Iterable[Piece]
    if one.excused:
        # Greyed, never hidden: what is quoted from the tender needs no comparison letter by letter.
        ours, theirs = _whole(one.here.quote), _whole(one.there.quote)
    else:
        ours, theirs = side_by_side(flowing(one.here.quote), flowing(one.there.quote))
    kind, tag = ("quoted", "tag") if one.excused else ("counted warning", "tag counts-as")
    told = f"{words.owner(one.owner)} · {words.likeness(one)}{words.also(one)}"
    return (
        f'<article class="card {kind}"><p><span class="{tag}">{words.excuse(one.excused)}</span> '
        f"{_text(told)}</p>"
        f'<div class="sides">{_side(one.here, ours, words)}{_side(one.there, theirs, words)}</div></article>'
    )


def _filters(name: str, choices: Iterable[tuple[str, str]]) -> str:
    """Radio buttons before the list that they filter: CSS reaches only what comes behind."""
    buttons, labels = [], []
    for number, (value, label) in enumerate(choices):
        checked = " checked" if number == 0 else ""
        buttons.append(f'<input class="filter" type="radio" name="{name}" id="{value}"{checked}>')
        labels.append(f'<label for="{value}">{_text(label)}</label>')
    return "".join(buttons) + '<div class="filters">' + "".join(labels) + "</div>"


# ------------------------------------------------------------------------------------------- what went in


def _coverage(record: SelfCheck, words: Words) -> Iterator[str]:
    yield f"<h2>{words('各部分的相同文字', 'Share of each document')}</h2><table>"
    heads = (
        words("文件", "document"),
        words("参与比较的字数", "characters compared"),
        *(words.excuse(one) for one in ("", "tender", "public", "template")),
    )
    yield "<tr>" + "".join(f"<th>{_text(one)}</th>" for one in heads) + "</tr>"
    for share in record.coverage:
        name = share.document or words("合计", "in total")
        cells = (f"{share.characters:,}", *share_row(share))
        numbers = "".join(f'<td class="number">{one}</td>' for one in cells)
        yield f"<tr><td>{_text(name)}</td>{numbers}</tr>"
    yield "</table>"


def _not_checked(record: SelfCheck, words: Words) -> Iterator[str]:
    yield f"<h2>{words('未检查', 'Not checked')}</h2>"
    if record.skipped:
        yield from _list(f"{one.document}：{words(one.reason_zh, one.reason_en)}" for one in record.skipped)
    else:
        yield f"<p>{words('全部文件都已检查。', 'Everything was checked.')}</p>"
    if record.refused:
        yield f"<h2>{words('拒收', 'Refused')}</h2>"
        yield from _list(
            f"{one.name}：{words(one.reason_zh, one.reason_en)} SHA-256 {one.sha256}"
            for one in record.refused
        )


def _list(lines: Iterable[str]) -> Iterator[str]:
    yield "<ul>"
    for line in lines:
        yield f"<li>{_text(line)}</li>"
    yield "</ul>"


def _inputs(record: SelfCheck, words: Words) -> Iterator[str]:
    yield f"<h2>{words('比对的文件', 'What was compared')}</h2><table>"
    heads = (words("类别", "kind"), words("文件", "file"), words("页", "pages"), words("字", "characters"))
    yield "<tr>" + "".join(f"<th>{_text(one)}</th>" for one in (*heads, "SHA-256")) + "</tr>"
    for one in record.inputs:
        yield (
            f"<tr><td>{words.role(one.role)}</td><td>{_text(one.name)}</td>"
            f'<td class="number">{one.pages}</td><td class="number">{one.characters:,}</td>'
            f'<td class="mono">{one.sha256}</td></tr>'
        )
    yield "</table>"
    archive = record.archive
    if archive.used:
        told = words(
            f"本单位投标文件库：{archive.bids} 份标书，{archive.texts} 个文件参与比对，"
            f"{archive.quotable} 个模板或公共文本",
            f"The company's archive: {archive.bids} bids, {archive.texts} texts compared, "
            f"{archive.quotable} templates or public texts",
        )
        yield f'<p>{_text(told)}<br><span class="mono">{_text(archive.state)}</span></p>'
    else:
        yield f"<p>{words('未与本单位投标文件库比对。', 'The archive was not compared with.')}</p>"


def _parameters(record: SelfCheck, words: Words) -> Iterator[str]:
    yield f"<h2>{words('参数', 'Parameters')}</h2><table>"
    for one in record.parameters:
        yield (
            f'<tr><th>{_text(one.name)}</th><td class="mono">{_text(one.value)}</td>'
            f"<td>{_text(words(one.source_zh, one.source_en))}</td></tr>"
        )
    yield "</table>"


def _text(text: str) -> str:
    return escape(text, quote=True)
