"""Who is who, and who may do what: accounts, how they prove themselves, rules of access, parts in a case."""
