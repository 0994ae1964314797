"""What the figures say is wrong: symptom, cause, remedy, and the figure it follows from."""
