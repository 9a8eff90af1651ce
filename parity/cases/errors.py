"""What a user's own input can be wrong with."""


class InputError(ValueError):
    """Input that is wrong: its message is one sentence, which a command prints before it ends with 2."""
