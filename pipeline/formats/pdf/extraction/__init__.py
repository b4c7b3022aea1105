"""What PDFium knows of a file: the words of its pages, its fields and its bookmarks."""
