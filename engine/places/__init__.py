"""Provinces' districts, communes and agencies, between two days, with their successors."""
