"""The review of access: what each reviewer is asked, what they answer, and what becomes of it."""
