"""Link: what needs more than one file - values, identities, entry points, images, order, environments."""
