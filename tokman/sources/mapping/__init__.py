"""A log format described in TOML instead of code: `[sources.NAME]` in tokman.toml or a file.

`spec` says what may stand in it and `load` reads it; `paths` and `places` compile its dotted paths
to a typed record, `values` converts what they lead to, `plan` and `source` make calls of it.
"""
