"""The loop, phases, rate groups and schedules."""
