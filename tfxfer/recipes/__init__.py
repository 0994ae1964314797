"""Named recipes, and how `auto` chooses one."""
