"""The embedded AWS: MiniStack behind a guard."""
