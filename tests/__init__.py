"""The tests of tokman."""
