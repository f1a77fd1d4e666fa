"""Runs sagas for real: starts them, resumes them with results, wakes them, and stores them."""
