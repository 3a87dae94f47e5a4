"""The Django app that Viewflow looks for its flows in."""
