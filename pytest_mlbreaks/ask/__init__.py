"""Something to ask: what was read (`listing`), what stands at a line and who looked at it (`why`)."""
