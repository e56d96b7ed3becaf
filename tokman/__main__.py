"""`python -m tokman`."""

from tokman.cli import program

program()
