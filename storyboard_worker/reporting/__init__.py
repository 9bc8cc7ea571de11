"""Sentry: what goes wrong, reported with the next step of the person who reads it."""
