"""A record's page as PDF, made by WeasyPrint where that is installed."""

from xacct_nb.errors import MissingTool


def to_pdf(page: bytes) -> bytes:
    """Return the page as it prints, with its links, and its headings as bookmarks. Raises MissingTool."""
    try:
        import weasyprint  # type: ignore[import-not-found, unused-ignore]
    except (ImportError, OSError) as problem:
        raise MissingTool(
            "PDF needs WeasyPrint, which cannot be loaded.",
            why=str(problem).partition("\n")[0],
            hint="pip install 'xacct-nb[pdf]', and on Debian: apt install libpango-1.0-0 libpangoft2-1.0-0. "
            "Or export HTML, and print it from a browser.",
        ) from problem
    # A page contains all that it needs: nothing is fetched.
    data_only = weasyprint.URLFetcher(allowed_protocols=("data",))
    pdf: bytes = weasyprint.HTML(string=page.decode("utf-8"), url_fetcher=data_only).write_pdf()
    return pdf
