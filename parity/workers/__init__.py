"""Where frameworks run: processes of their own."""
