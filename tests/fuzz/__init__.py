"""Whatever a user's text is, a reader of it ends soon, and with an answer or one sentence."""
