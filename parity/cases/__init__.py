"""What is asked: a layer, its sizes and the values it is tried on."""
