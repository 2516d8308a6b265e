"""A record's page as PDF, by WeasyPrint where that is installed."""

from xacct_nb.errors import MissingTool


def to_pdf(page: bytes) -> bytes:
    """The page as it prints, with its links and headings as bookmarks. Raises MissingTool."""
    try:
        import weasyprint  # type: ignore[import-not-found, unused-ignore]
    except (ImportError, OSError) as problem:
        raise MissingTool(
            "PDF needs WeasyPrint, which cannot be loaded.",
            why=str(problem).partition("\n")[0],
            hint="pip install 'xacct-nb[pdf]', and on Debian: apt install libpango-1.0-0 libpangoft2-1.0-0. "
            "Or export HTML, and print it from a browser.",
        ) from problem
    # A page holds all that it needs: nothing is fetched from elsewhere.
    alone = weasyprint.URLFetcher(allowed_protocols=("data",))
    made: bytes = weasyprint.HTML(string=page.decode("utf-8"), url_fetcher=alone).write_pdf()
    return made
