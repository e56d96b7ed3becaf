"""One function a command: its options, one call, one screen, an exit code."""
