"""The case engine of Thông Suốt: a citizen's report, the diagram of its life, and the clock that drives it.

It imports neither Flask nor APScheduler and can be used from a script; see `README.md`.
"""
