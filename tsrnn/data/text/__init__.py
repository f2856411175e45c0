"""Text: read line by line, tokenised once, and served as streams."""
