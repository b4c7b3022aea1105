"""PDF files: their lines, and the headings and paragraphs these make."""
