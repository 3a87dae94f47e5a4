"""Files that people send: folders, seals, looked at for viruses."""
