"""What the product is compared with; each runs in an environment of its own, of which `<name>.txt` is the contents."""
