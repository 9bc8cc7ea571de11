"""Sentry: what goes wrong, told so that somebody woken by it can act."""
