"""Checks of the category resource-provisioning."""
