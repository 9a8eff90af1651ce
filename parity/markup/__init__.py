"""How HTML is written: one environment of templates, one theme of colours, and nothing of what they show."""
