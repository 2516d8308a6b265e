"""Grades submitted notebooks: each in a process, a sandbox and a kernel of its own, which judge nothing."""
