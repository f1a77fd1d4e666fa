"""check, draw, explore: the saga definitions themselves."""
