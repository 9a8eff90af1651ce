"""Modules that stand in the folder of the README's reader."""
