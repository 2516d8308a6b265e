"""Findings on the documents of a grant, and the headroom under the quotas."""
