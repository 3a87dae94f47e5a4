"""Who may not know who reported: the veil, being let behind it, keys of what is sealed."""
