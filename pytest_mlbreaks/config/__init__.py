"""Configuration: ``mlbreaks.yaml`` or ``[tool.mlbreaks]``, what it may say, and what several files say together."""
