"""What belongs to the pages and not to the text: heads, numbers, stamps, tables of contents."""
