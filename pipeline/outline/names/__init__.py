"""What sections and lessons are called: clean headings, of which some name nothing."""
