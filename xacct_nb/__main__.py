"""The command xacct-nb, also as python -m xacct_nb."""

from xacct_nb.cli.main import main

if __name__ == "__main__":
    main()
