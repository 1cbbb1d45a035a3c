"""What members spend: perks, vouchers and holds, found to be allowed, carried out, and given back with the goods."""
