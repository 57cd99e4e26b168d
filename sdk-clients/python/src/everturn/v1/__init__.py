"""Generated stubs of the protobuf package ``everturn.v1``; usable alone."""
