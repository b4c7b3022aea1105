"""What the course's own fields say, in pieces: what is to be learned, and what about."""
