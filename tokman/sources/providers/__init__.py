"""Providers: API bodies as they were sent and answered."""
