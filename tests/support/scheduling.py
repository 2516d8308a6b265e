"""How pytest-xdist shares the tests among its workers."""

from typing import Any

from xdist.scheduler import LoadFileScheduling


class FileByFile(LoadFileScheduling):  # type: ignore[misc]
    """Each file runs in one worker, in our own order; the browser tests count as one file."""

    def __init__(self, config: Any, log: Any) -> None:
        config.option.loadscopereorder = False
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        file = str(super()._split_scope(nodeid))
        return "browser" if "/browser/" in file else file
