"""The sentences of the findings about files and their pages."""

from bidclient.checks.rule import Rule

_FORMAT_ZH = "招标文件关于投标文件格式、编排的规定"
_FORMAT_EN = "What the tender says about the form of the documents"

PAGE_RULES = {
    "PDF-001": Rule(
        "info",
        "《{title}》没有可检索的文字，像是扫描件；其中的文字未检查。",
        "{title} has no text that can be searched; it looks scanned, and what it says was not checked.",
        "如招标文件要求可检索，请用原文件导出。其中的日期、金额和名称请人工核对。",
        "Export it from the source if the tender wants searchable text; look at dates, amounts and names.",
    ),
    "PDF-002": Rule(
        "warning",
        "《{title}》第 {pages} 页不是 A4 幅面（{sizes}）。",
        "{title} is not of A4 size on page {pages_en} ({sizes}).",
        "招标文件要求 A4 的，调整页面设置后重新导出；图纸等允许其他幅面的，核对即可。",
        "Export it again on A4 where the tender wants that; drawings may have another size if it says so.",
        _FORMAT_ZH,
        _FORMAT_EN,
    ),
    "PDF-003": Rule(
        "info",
        "《{title}》横向与纵向页面混排，第 {pages} 页方向不同。",
        "{title} mixes upright and lying pages; page {pages_en} lies the other way.",
        "确认表格、图纸的方向便于阅读。",
        "Make sure that tables and drawings can be read comfortably.",
    ),
    "PDF-004": Rule(
        "info",
        "《{title}》第 {pages} 页带有旋转标记（{degrees} 度），个别评标系统可能不按旋转后的方向显示。",
        "Page {pages_en} of {title} is turned by a mark ({degrees} degrees) that some programs may ignore.",
        "在原软件中按正确方向重新导出。",
        "Export it the right way up from where it was made.",
    ),
    "PDF-005": Rule(
        "warning",
        "《{title}》第 {pages} 页是空白页。",
        "Page {pages_en} of {title} is blank.",
        "确认没有漏掉内容；多余的空白页删除后重新导出。",
        "Make sure that nothing is missing; remove blank pages that are not meant and export again.",
    ),
    "PDF-006": Rule(
        "warning",
        "《{title}》第 {pages} 页的文字不能检索和复制（字体没有对应的字符），未检查。",
        "The text on page {pages_en} of {title} cannot be searched or copied, because its fonts do not say "
        "which characters they show; it was not checked.",
        "在原软件中换用常见字体重新导出，不要用虚拟打印机转换。",
        "Export it again with common fonts, not through a virtual printer.",
        _FORMAT_ZH,
        _FORMAT_EN,
    ),
    "PDF-007": Rule(
        "blocking",
        "《{title}》第 {pages} 页损坏，无法显示，未检查。",
        "Page {pages_en} of {title} is damaged and cannot be shown; it was not checked.",
        "在原软件中重新导出 PDF，再次添加。",
        "Export the PDF anew from where it was made and add it again.",
    ),
    "PDF-008": Rule(
        "warning",
        "《{title}》没有嵌入中文字体：{fonts}；换一台电脑可能显示成别的字或空白。",
        "{title} does not embed its Chinese fonts {fonts}; another computer may show something else.",
        "导出 PDF 时选择嵌入全部字体（PDF/A 即可）。",
        "Embed all fonts when exporting the PDF (PDF/A does).",
        _FORMAT_ZH,
        _FORMAT_EN,
    ),
    "PDF-009": Rule(
        "info",
        "《{title}》没有嵌入字体：{fonts}。",
        "{title} does not embed the fonts {fonts}.",
        "导出 PDF 时选择嵌入全部字体（PDF/A 即可）。",
        "Embed all fonts when exporting the PDF (PDF/A does).",
    ),
    "PDF-010": Rule(
        "warning",
        "《{title}》含有{kinds_zh}，有的平台会拒收或清除。",
        "{title} contains {kinds_en}; some platforms refuse or remove that.",
        "删除后重新导出；附件内容并入正文，或按招标文件要求单独添加。",
        "Remove it and export again; put what is attached into the text, or add it as the tender says.",
        _FORMAT_ZH,
        _FORMAT_EN,
    ),
    "NCK-001": Rule(
        "info",
        "未检查：《{title}》{what_zh}。",
        "Not checked: {title}, {what_en}.",
        "这部分内容请人工核对。",
        "Look at that yourself.",
    ),
}
