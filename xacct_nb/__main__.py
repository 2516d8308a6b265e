"""The command xacct-nb, also as python -m xacct_nb."""

import sys


def main() -> None:
    """Runs the command line; what takes a recorded run longest is begun before the command line is loaded."""
    if sys.argv[1:2] != ["run"]:
        from xacct_nb.cli.main import main as commands

        commands()
    from xacct_nb.runs.startup import single_run

    with single_run() as prepared:
        from xacct_nb.cli.main import main as commands

        commands(obj=prepared)


if __name__ == "__main__":
    main()
