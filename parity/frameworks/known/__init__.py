"""What frameworks' versions do against their own rules, as data."""
