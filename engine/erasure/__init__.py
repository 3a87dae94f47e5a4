"""How long a person is kept: retention, emptying, and the copy or the erasure that a person may ask for."""
