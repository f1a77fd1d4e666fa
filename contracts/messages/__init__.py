"""What is said. Pure: the standard library only (the catalogue knows msgspec too)."""
