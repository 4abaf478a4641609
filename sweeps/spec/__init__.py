"""The sweep file and what it resolves to: recipes, search space, data, and the orders of jobs."""
