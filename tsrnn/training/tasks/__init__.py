"""Tasks: what is trained, as thin Lightning modules."""
