"""The record of a run, its page, the history of records and their comparison."""
