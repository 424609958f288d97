"""How systems write their logs: times, levels, fields, events of several lines. Pure; text in, values out."""
