"""Work that need not be done: loops, retries, failures, doubled and endless and idle calls."""

from tokman.recommend.stop.lever import Stop

__all__ = ["Stop"]
