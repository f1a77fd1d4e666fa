"""sagas, reviews, events, dead, consumers, verify: what an operator looks at and does."""
