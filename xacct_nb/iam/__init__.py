"""AWS's policy language: ARNs, quotas, canonical form, evaluation and its explanation."""
