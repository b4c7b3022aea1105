"""How an outline is made: from documents (passages, grouped twice) or from the brief alone."""
