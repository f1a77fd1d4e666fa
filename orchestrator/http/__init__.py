"""The orchestrator's edge: submitting orders, looking at sagas, deciding reviews."""
