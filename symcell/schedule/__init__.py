"""Decisions only: what runs where and in which order, what is kept in memory, and why."""
