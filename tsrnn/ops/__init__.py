"""Pure functions of tensors and of states."""
