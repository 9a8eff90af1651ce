"""Two models side by side: which layer of one is which of the other, and where and why they part."""
