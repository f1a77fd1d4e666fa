"""Posts what happens to orders to the endpoints that shops registered."""
