"""Which lines are headings, by bookmarks, tags, fonts and words."""
