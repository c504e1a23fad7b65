"""From samples to annotations: prompting, requests, parsing, checking, judging."""
