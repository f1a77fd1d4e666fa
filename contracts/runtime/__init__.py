"""How every process starts: settings, database, telemetry, health, access."""
