"""What the system is told: settings, vocabulary, catalogue. Code here only parses, checks, types."""
