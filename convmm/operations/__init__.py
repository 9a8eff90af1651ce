"""The public operations: what is called, checked and handed to the fast route."""
