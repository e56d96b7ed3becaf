"""`make bench`: tokman against its rivals on the same bytes, answers checked as well as time."""
