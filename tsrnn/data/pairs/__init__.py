"""Sources and the sequences that are said of them."""
