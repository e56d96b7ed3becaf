"""The ledger in the formats of other programs."""
