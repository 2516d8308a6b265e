"""The parts of the command line: groups of commands, options that several share, how a command tells."""
