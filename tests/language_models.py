"""Small language models for the tests, with random weights large enough to have opinions."""

import torch

from tsrnn.backbones import LSTM
from tsrnn.codecs import Vocabulary
from tsrnn.embeddings import TokenEmbedding
from tsrnn.heads import AdaptiveSoftmax, Categorical
from tsrnn.models import AutoregressiveModel

TINY = ["<eos>", "<unk>", "a", "b"]


def language_model(tokens=TINY, *, tokenizer=None, adaptive=False, seed=0):
    """An LSTM of two layers in float64, so that two ways to one number agree to many digits."""
    torch.manual_seed(seed)
    size = len(tokens)
    head = AdaptiveSoftmax(5, size, cutoffs=[2]) if adaptive else Categorical(5, size)
    model = AutoregressiveModel(
        Vocabulary(tokens, tokenizer), TokenEmbedding(size, 5), LSTM(5, 5, num_layers=2), head
    )
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(0, 1.5)
    return model.double().eval()


def log_prob(model, ids):
    """The factors of one sequence of ids in one pass, from a fresh state."""
    with torch.no_grad():
        return model.log_prob(torch.tensor([ids]))[0][0]
