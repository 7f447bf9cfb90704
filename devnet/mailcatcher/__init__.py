"""A real SMTP server that keeps what it is sent, and a page to read it. For the demo and the tests only."""
