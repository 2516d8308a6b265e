"""Builds the browser edition: a static site in which the sandbox and the sheets run in the tab."""
