"""CQL2 (OGC 21-065), text and JSON: scanned, parsed, checked against a layer, written as SQL."""

from providers.cql2.filters import Filter, Language, from_ast, parse_filter
from providers.cql2.functions import functions_document

__all__ = ["Filter", "Language", "from_ast", "functions_document", "parse_filter"]
