"""Files, and only here: grant files, evidence of runs, bundles of records, the ledger."""
