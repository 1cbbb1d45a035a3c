"""What is given to mend: goodwill within a budget, and units for many at once when the shop is in the spotlight."""
