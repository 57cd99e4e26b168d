"""Code that must (or must not) type-check; checked by basedpyright, not run."""
