"""Documents in passages: cut at headings, and inside long ones."""
