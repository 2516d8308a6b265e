"""The file that a kernel of `xacct-nb lab` or `xacct-nb page` runs first; it leaves no name of its own."""

__import__("xacct_nb.jupyter.missing_names", fromlist=["start_kernel"]).start_kernel(globals())
