"""The whole path of a grant on one page."""
