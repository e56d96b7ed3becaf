"""Gateways and proxies: one file per log format."""
