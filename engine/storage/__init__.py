"""The two databases underneath: connections, statements that are made once, exchanges, seals."""
