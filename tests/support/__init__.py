"""Helpers of the tests; no test stands here."""
