"""The counting house: members, consent, ledger and programmes of every business, behind one door."""
