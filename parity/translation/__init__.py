"""A layer of one framework, written in another and proved there."""
