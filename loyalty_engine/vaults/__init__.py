"""Keys and what they lock: the vault of what is personal, where its master key lies, and how that is replaced."""
