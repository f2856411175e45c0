"""A made-up language of which everything is known: each word depends on the one before it."""

from bisect import bisect_right

import numpy as np


class MarkovSource:
    """Words w1, w2, ... and the end of a line, with random transitions; state 0 is the end of a line.

    P(j after i) = softmax(2 u_i · v_j / √rank)_j with standard normal u and v: of a rank that is low enough
    to be learnt from a few hundred thousand words.

    Args:
        size: the number of states.
        rank: the length of u and v.
        seed: of the transitions.
    """

    def __init__(self, size=50, rank=5, seed=0):
        self.words = ["<eos>", *(f"w{k}" for k in range(1, size))]
        u, v = np.random.default_rng(seed).standard_normal((2, size, rank))
        odds = np.exp(2 * u @ v.T / np.sqrt(rank))
        self.transitions = odds / odds.sum(-1, keepdims=True)
        self._cumulative = self.transitions.cumsum(-1)[:, :-1].tolist()

    def draw(self, count, seed):
        """About `count` states, from a line's beginning to a line's end."""
        draws = np.random.default_rng(seed).random(count + 10_000).tolist()
        states, state = [], 0
        for draw in draws:
            state = bisect_right(self._cumulative[state], draw)
            states.append(state)
            if len(states) >= count and state == 0:
                return np.array(states)
        raise AssertionError("the source does not end its lines")

    def text(self, states):
        """The states as a file's text."""
        assert states[-1] == 0
        return "".join("\n" if state == 0 else f"{self.words[state]} " for state in states)

    def nats(self, states):
        """Mean −log p of the states, the first after a line's end: what no model can beat but by luck."""
        before = np.concatenate([[0], states[:-1]])
        return -float(np.log(self.transitions[before, states]).mean())

    def entropy(self):
        """The entropy rate in nats, Σ_i π_i H(row i) with the stationary π."""
        size = len(self.words)
        equations = np.vstack([self.transitions.T - np.eye(size), np.ones(size)])
        stationary = np.linalg.lstsq(equations, np.eye(size + 1)[-1], rcond=None)[0]
        return -float((stationary[:, None] * self.transitions * np.log(self.transitions)).sum())
