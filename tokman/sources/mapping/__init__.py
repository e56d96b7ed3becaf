"""A log format described in TOML instead of code: `[sources.NAME]` in tokman.toml or a file.

`spec` reads and checks the TOML, `paths` compiles its dotted paths to a typed record, `values`
converts single values, `source` makes the source out of the three, `shipped` lists tokman's own.
"""
