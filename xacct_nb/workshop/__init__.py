"""The workshop: sheets with exercises that check themselves in the sandbox."""
