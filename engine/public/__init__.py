"""What anybody may see or ask without a log-in: how far a report is, what can be sent, open data."""
