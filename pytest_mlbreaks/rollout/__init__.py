"""In which order a change can be pushed: components of two pipelines, their difference, and the edges that follow."""
