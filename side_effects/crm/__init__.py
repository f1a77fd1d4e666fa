"""Tells the CRM over signed webhooks."""
