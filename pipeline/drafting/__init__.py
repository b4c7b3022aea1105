"""How a lesson's draft is made: from its source passages, or as a skeleton without any."""
