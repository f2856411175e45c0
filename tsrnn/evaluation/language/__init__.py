"""Language models: the probability of sentences, and the nearest words."""
