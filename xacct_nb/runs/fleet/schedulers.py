"""Executors of clusters: the workers of a Dask scheduler work on the accounts of a fleet."""

import re
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future
from contextlib import contextmanager
from importlib import metadata
from typing import TYPE_CHECKING, Any, TypeVar

from xacct_nb.errors import InvalidInput, MissingTool

if TYPE_CHECKING:
    from distributed import Client

_PACKAGE = "xacct-nb"
_TIMEOUT = 10.0
_ADDRESS = re.compile(r"(tcp|tls)://[^\s/@]+:[0-9]{1,5}")
Returned = TypeVar("Returned")


@contextmanager
def executor_of(scheduler: str, *, timeout: float = _TIMEOUT) -> Iterator[Executor | None]:
    """Yield the executor of a Dask scheduler, such as tcp://127.0.0.1:8786; for "" None: threads.

    The connection ends with the block. What is sent to the workers holds external IDs and no credentials: an
    address tls://... encrypts it. `timeout` is how many seconds the scheduler has to answer, and to have a
    worker. Raises MissingTool without the extra `dask`, and InvalidInput where no scheduler answers, it has
    no workers, or a worker has another version of this package.
    """
    if not scheduler:
        yield None
        return
    with _connected(scheduler, timeout) as client:
        _check_workers(client, scheduler, timeout)
        yield ClusterExecutor(client)


class ClusterExecutor(Executor):
    """The executor of a Dask client, which also says how many tasks its workers do at once."""

    def __init__(self, client: "Client") -> None:
        self._client = client
        # Dask may take the result of another task of the same arguments, unless told that it is not pure.
        self._dask: Any = client.get_executor(pure=False)

    @property
    def width(self) -> int:
        """Return how many tasks the workers do at once: their threads.

        Dask says of every task that it is cancelled, also where a worker goes on with it. So no more are
        given to it than are begun at once.
        """
        if self._client.status != "running":
            return 1
        threads: dict[str, int] = self._client.nthreads()
        return max(1, sum(threads.values()))

    def submit(self, work: Callable[..., Returned], /, *args: Any, **kwargs: Any) -> "Future[Returned]":
        """Let a worker do the work. Dask gives it to another worker where one is lost, three times."""
        if self._client.status != "running":
            raise BrokenExecutor("The connection to the scheduler is lost.")
        future: Future[Returned] = self._dask.submit(work, *args, **kwargs)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End it; with `wait`, once its work has ended."""
        self._dask.shutdown(wait=wait and not cancel_futures)


@contextmanager
def _connected(scheduler: str, timeout: float) -> Iterator["Client"]:
    """Yield a client, which ends with the block. Raises MissingTool, InvalidInput."""
    if not _ADDRESS.fullmatch(scheduler):
        raise InvalidInput(
            f"{scheduler[:80]!r} is not the address of a scheduler.",
            why="It has a protocol, a host and a port.",
            hint="Write it like tcp://127.0.0.1:8786, or tls://... for an encrypted connection.",
        )
    try:
        from distributed import Client
    except ImportError as problem:
        raise MissingTool(
            f"The scheduler {scheduler} needs Dask, which is not installed here.",
            why=f"{problem}.",
            hint="Install it here and for the workers: pip install 'xacct-nb[dask]'.",
        ) from problem
    try:
        client = Client(scheduler, timeout=timeout, set_as_default=False, name=_PACKAGE)
    except (OSError, ValueError) as problem:
        raise InvalidInput(
            f"No Dask scheduler answers at {scheduler}.",
            why=f"{type(problem).__name__}: {problem}"[:300],
            hint="Start one (dask scheduler), or correct the address, such as tcp://127.0.0.1:8786.",
        ) from problem
    with client:
        yield client


def _check_workers(client: "Client", scheduler: str, timeout: float) -> None:
    """Raise InvalidInput unless there are workers, and all have the same version of this package."""
    try:
        client.wait_for_workers(1, timeout)
    except TimeoutError as problem:
        raise InvalidInput(
            f"The scheduler at {scheduler} has no worker.",
            why="Nobody would do the work.",
            hint=f"Start workers: dask worker {scheduler}",
        ) from problem
    own = metadata.version(_PACKAGE)
    found: dict[str, Any] = client.run(metadata.version, _PACKAGE, on_error="return")
    others = {worker: has for worker, has in found.items() if has != own}
    if others:
        worker, has = next(iter(others.items()))
        version = has if isinstance(has, str) else "no version"
        raise InvalidInput(
            f"{len(others)} of {len(found)} workers cannot do the work.",
            why=f"{worker} has {version} of {_PACKAGE}; this machine has {own}.",
            hint=f"Install the same on each worker: pip install '{_PACKAGE}[dask]=={own}'",
        )
