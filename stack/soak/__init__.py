"""`make soak`: the whole service under load while something of it dies, freezes or forgets every few seconds."""
