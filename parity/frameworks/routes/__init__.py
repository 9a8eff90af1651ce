"""Routes: a framework's own layer, brought into another form and run in that one."""
