"""A province's mailbox as a way in: letters are fetched by IMAP, kept as they came, and then read.

    imap ── bytes ──► arrivals ── bytes ──► letter.read ──► taking: a case, a word about a case, or only a contact

What a letter is, `letter` finds; what of it its writer said, `words`; whether a program wrote it, `automatic`.
"""
