"""Measured, not claimed: `./manage bench` runs our server and a naive host of the same process side by side."""
