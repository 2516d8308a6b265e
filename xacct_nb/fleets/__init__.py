"""Many grants as one plan: a fleet of accounts from one declaration."""
