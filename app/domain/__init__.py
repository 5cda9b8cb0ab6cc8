"""Values and rules of curation: the standard library only, no input or output."""
