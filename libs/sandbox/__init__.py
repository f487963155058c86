"""A jail for anyone's Python. Admits no word of the domain: host, guest, jail, limits."""
