"""Tables: files to text, text to numbers and dates, and the place of each in a message."""
