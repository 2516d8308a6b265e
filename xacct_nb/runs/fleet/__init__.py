"""A run over a fleet: plan, apply and prove account by account, by any executor."""
