"""`python -m tokman`."""

from tokman.cli import main

main()
