"""The pages members meet without an app: joining, their own page, and the poster that leads there."""
