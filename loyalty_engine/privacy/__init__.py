"""What we owe whoever gave us a number: everything in one document, forgetting, and not keeping longer than needed."""
