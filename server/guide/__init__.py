"""The guides for people, in Markdown, and how they are rendered."""
