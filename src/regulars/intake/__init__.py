"""How the record fills: files with a mapping, checked line by line, written at once or not at all."""
