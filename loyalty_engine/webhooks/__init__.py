"""The messenger boys: addresses of a business that are told what happened, signed, until they have heard it."""
