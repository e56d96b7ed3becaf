"""The token manager: logs of model calls in, costs and ways to spend less out."""

__version__ = "0.1.0"
