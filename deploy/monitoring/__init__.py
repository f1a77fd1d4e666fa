"""Metrics, alerts, dashboards and runbooks: what the definitions say to who is on call."""
