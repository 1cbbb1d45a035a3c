"""The pages a member opens on a telephone: joining, what is theirs, and the poster that leads there."""
