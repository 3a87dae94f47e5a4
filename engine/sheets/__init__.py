"""Lists of people as files: read, looked through, taken up row by row."""
