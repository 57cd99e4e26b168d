-- Values of large states, apart from the roots that name them by their
-- versions: each is written once, and goes when no root names it any more.
CREATE TABLE state_values (
    root    INTEGER NOT NULL,
    version INTEGER NOT NULL,
    payload BLOB    NOT NULL,
    PRIMARY KEY (root, version)
) STRICT;
