"""The parts of make_sample_logs.py."""
