"""Mails people what happened."""
