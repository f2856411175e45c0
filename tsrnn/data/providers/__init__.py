"""Providers of prices: who is asked, what is kept of the answer, and what is made of it."""
