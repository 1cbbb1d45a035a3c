"""Who a member is: numbers that change hands, two members who are one person, and what a stranger may not find out."""
