"""A notebook that tries to run, to fetch, to hide and to forge something when its record is opened."""

from typing import Any

from support.hostile_strings import EVERYTHING

ELSEWHERE = "https://example.invalid/x"
# What hides the rest of a page, or does something, where it is taken for markup.
MARKUP = (
    "<script>document.title = 'ran'",
    "<script>document.title = 'ran'</script>",
    f"<script src={ELSEWHERE}></script>",
    "<style>body { display: none }",
    f"<link rel=stylesheet href={ELSEWHERE}>",
    f"<style>@import url({ELSEWHERE})</style>",
    "<textarea>",
    "<title>",
    "<!--",
    "<![CDATA[",
    "<?xml ",
    "<plaintext>",
    "<noscript>",
    "<template>",
    "<select>",
    "<iframe>",
    f"<iframe src={ELSEWHERE}></iframe>",
    "<iframe srcdoc=\"<script>parent.document.title = 'ran'</script>\"></iframe>",
    f"<meta http-equiv=refresh content='0; url={ELSEWHERE}'>",
    f"<base href={ELSEWHERE}>",
    f"<form action={ELSEWHERE}><button autofocus>Approve</button></form>",
    "<a href=\"javascript:document.title = 'ran'\">link</a>",
    "<a href=\"java&#10;script:document.title = 'ran'\">link</a>",
    "<a href='data:text/html,x'>link</a>",
    f"<a ping={ELSEWHERE} href=#x id=x target=_blank>link</a>",
    "<svg onload=\"document.title = 'ran'\"><script>document.title = 'ran'</script></svg>",
    f"<svg><image href={ELSEWHERE} /></svg>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--><img src=1 onerror=alert(1)>'>",
    "<img src=x onerror=\"document.title = 'ran'\">",
    f"<img src={ELSEWHERE}>",
    f"<p style='background: url({ELSEWHERE}); position: fixed; inset: 0'>over all</p>",
    f"<video poster={ELSEWHERE} autoplay><source src={ELSEWHERE}></video>",
    f"<object data={ELSEWHERE}></object><embed src={ELSEWHERE}>",
    "<details ontoggle=\"document.title = 'ran'\" open>x</details>",
    '<p title="a',
    "<div title='",
    "</div></main></body></html>",
    "<dialog open>forged</dialog>",
    "&#8238;reversed &rlm; &zwj;",
)
PROSE = (
    *MARKUP,
    f"![picture]({ELSEWHERE})",
    "![pasted](attachment:not-there.png)",
    "[link](javascript:alert(1))",
    f"[link]: {ELSEWHERE}\n<!--\n",
    "```mermaid\n</pre><script>document.title = 'ran'\n```",
    "$$ <script>document.title = 'ran' $$",
    "> " * 200 + "deep",
    EVERYTHING,
)
_SIZES = {"image/png": {"width": "1 onerror=alert(1)", "height": 1}, "text/html": {"isolated": True}}
_METADATA = {**_SIZES, "filenames": {"image/png": ELSEWHERE}}
_TRANSIENT = {"transient": {"remove_source": True}, "tags": ['"><script>'], "raw_mimetype": "text/html"}


def hostile_notebook() -> dict[str, Any]:
    """Return a notebook with each piece in its own cell, as prose and as output; a visible line follows."""
    cells = [cell for number, piece in enumerate(PROSE) for cell in (_prose(piece), _prose(seen(number)))]
    cells += [_code(f"code-{number}", _shown({"text/html": piece})) for number, piece in enumerate(MARKUP)]
    cells += [
        _code(EVERYTHING, *_OUTPUTS),
        {**_prose("<script>"), "cell_type": "raw"},
        _prose("the last words"),
    ]
    metadata = {"title": "<script>", "language_info": {"name": '"><script>', "pygments_lexer": "<b>"}}
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": cells}


def seen(number: int) -> str:
    """Return the text after a piece of prose."""
    return f"still-here-{number}."


def _prose(source: str) -> dict[str, Any]:
    pictures = {"a.png": {"image/png": '"><script>'}, "b.svg": {"image/svg+xml": "x"}}
    cell = {"cell_type": "markdown", "id": "x", "metadata": dict(_TRANSIENT), "source": source}
    return {**cell, "attachments": pictures}


def _code(source: str, *outputs: dict[str, Any]) -> dict[str, Any]:
    cell = {"cell_type": "code", "id": '"><script>', "metadata": dict(_TRANSIENT), "source": source}
    return {**cell, "outputs": list(outputs), "execution_count": "<script>"}


def _shown(data: dict[str, Any]) -> dict[str, Any]:
    return {"output_type": "display_data", "metadata": _METADATA, "data": data}


_RUN = "document.title = 'ran'"
_OUTPUTS = (
    {"output_type": "stream", "name": "stdout", "text": EVERYTHING},
    {"output_type": "stream", "name": "stderr", "text": ["bar 10%\r", "bar 20%\n"]},
    {
        "output_type": "error",
        "ename": "<b>",
        "evalue": "<b>",
        "traceback": [EVERYTHING, "\x1b[1m<b>"],
    },
    _shown({"text/plain": EVERYTHING}),
    _shown({"text/html": EVERYTHING}),
    _shown({"text/markdown": "<script>" + EVERYTHING}),
    _shown({"text/latex": f"<script>{_RUN}</script>"}),
    _shown({"image/png": '"><script>' + _RUN}),
    _shown({"image/png": "AAAA", "text/plain": "a picture"}),
    _shown({"image/svg+xml": f"<svg><script>{_RUN}</script></svg>"}),
    _shown({"application/javascript": _RUN, "text/plain": "what is there besides"}),
    _shown({"application/vnd.jupyter.widget-view+json": {"model_id": "<script>"}, "text/plain": "a widget"}),
    _shown({"application/x-unknown": "<script>"}),
)
