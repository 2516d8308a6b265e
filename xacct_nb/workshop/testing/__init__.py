"""The pytest plugin: two AWS accounts for each test, in a sandbox within the process of the tests."""
