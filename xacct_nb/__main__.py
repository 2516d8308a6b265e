"""The command xacct-nb, also as python -m xacct_nb."""

import sys
from typing import NoReturn


def main() -> NoReturn:
    """Run the command line; whatever happens, it ends with an exit code and without a traceback."""
    code: object = 130
    try:
        from xacct_nb.cli.process import end_streams, keep_interruptions, protect_streams

        protect_streams()
        keep_interruptions()
        from xacct_nb.cli.main import main as command_line

        try:
            command_line()
        except SystemExit as ended:
            code = ended.code
        # The status of a run stays its exit code: its record has what could not be printed.
        if not end_streams() and not code and sys.argv[1:2] not in (["run"], ["demo"]):
            code = 1
    except KeyboardInterrupt:  # while modules are loaded
        print("Interrupted.", file=sys.stderr)
    sys.exit(code)  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
