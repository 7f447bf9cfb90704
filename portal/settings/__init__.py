"""Settings of each kind of process. Only this package reads the environment."""
