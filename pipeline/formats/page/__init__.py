"""The parts of a web page: its furniture, its formulas, its tables, and the text put together from them."""
