"""Resources and packages that a service gets."""
