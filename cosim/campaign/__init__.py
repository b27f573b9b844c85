"""Campaigns: many checks as shards, on this machine or on many, each result kept once."""
