"""The telephone on the counter: what members text to a business, what it answers, and what that may cost."""
