"""The parts of the speed benchmark: layers, contenders, measurements, tables."""
