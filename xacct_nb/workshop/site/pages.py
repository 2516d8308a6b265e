"""The pages of the site besides JupyterLite's: the list of the sheets, where a visitor begins."""

from collections.abc import Iterator

from jinja2 import Environment

from xacct_nb.workshop.exercise import Sheet
from xacct_nb.workshop.sheets import all_sheets

_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Cross-account access: the workshop</title>
<link rel="icon" href="./icon-120x120.png">
<script id="jupyter-config-data" type="application/json" data-jupyter-lite-root=".">{}</script>
<style>
:root { color-scheme: light dark; --line: #8885; --accent: #0b63c4; }
@media (prefers-color-scheme: dark) { :root { --accent: #7db4ff; } }
body { font: 17px/1.55 system-ui, sans-serif; max-width: 46rem; margin: 0 auto; padding: 2.5rem 1.2rem; }
h1 { line-height: 1.2; margin: 0 0 .4rem; }
ol { list-style: none; padding: 0; margin: 2rem 0; border-top: 1px solid var(--line); }
li { border-bottom: 1px solid var(--line); }
li a { display: grid; grid-template-columns: 2.2rem 1fr auto; gap: .6rem; padding: .75rem .3rem; text-decoration: none; color: inherit; }
li a:hover, li a:focus { background: #8882; }
li b { color: var(--accent); font-weight: 600; }
small, footer { opacity: .8; }
footer { font-size: .9rem; border-top: 1px solid var(--line); margin-top: 2rem; padding-top: 1rem; }
</style>
</head>
<body>
<h1>Let one AWS account in to another</h1>
<p>{{ sheets|length }} sheets with exercises that check themselves, in an AWS that says no where AWS says no. All of it runs in
this tab: there is no AWS account, nothing to install, and nothing leaves your browser.</p>
<p>Begin with the first one if this is new to you. Each sheet stands alone. The first cell takes 10 to 25 seconds.</p>
<ol>
{% for sheet in sheets %}<li><a href="./notebooks/index.html?path={{ sheet.stem }}.ipynb"><span>{{ sheet.number }}</span>
<span><b>{{ sheet.title }}</b></span><small>{{ sheet.minutes }} min</small></a></li>
{% endfor %}</ol>
<p><a href="./lab/index.html">All sheets in JupyterLab</a></p>
<footer>
<p>Your notebooks and your progress stay in this browser, on this device. The two accounts of a sheet live in its tab: after
a reload they are made again. What was correct stays counted.</p>
<p>Not here, since a browser cannot: the AWS CLI, a terminal, records as PDF, runs of whole notebooks by papermill.</p>
</footer>
</body>
</html>
"""

# The sheets write their progress beside it.
PROGRESS = """\
# Your progress

This browser keeps one file for each sheet here, on this device. Delete a file to begin its sheet from nothing. Nothing leaves
your browser; "Clear browsing data" removes it.
"""


def site_pages() -> Iterator[tuple[str, str]]:
    """Yield the name and the content of each page."""
    yield "index.html", start_page(all_sheets())


def start_page(sheets: tuple[Sheet, ...]) -> str:
    """Return the page that lists the sheets."""
    return Environment(autoescape=True).from_string(_PAGE).render(sheets=sheets)
