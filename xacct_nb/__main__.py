"""python -m xacct_nb: the same as xacct-nb."""

from xacct_nb.cli import main

main()
