"""Prompt builders."""
