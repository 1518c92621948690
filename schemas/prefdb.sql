-- A prefkit store, version 1. (application_id and user_version are set by the
-- program: prefdb/store.c.)
--
-- Identity. `id` is a local row number and never leaves the file. `uid` is the
-- first 16 bytes of a SHA-256 over length-prefixed fields (prefdb/ids.c), so
-- the same thing has the same uid in every store, importing a file twice
-- changes nothing, and stores can be merged.
--
-- Enumerations are readable text, in the spelling of prefdb/prefdb.h. Times
-- are ISO 8601 text, in UTC. NULL is "not stated". `extra` is a JSON object:
-- what a source knows and no column holds; its members "a" and "b", if any,
-- belong to the two responses.

CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value ANY NOT NULL
) STRICT, WITHOUT ROWID;

-- A message; a conversation is the path from a root (parent NULL). The same
-- turn under the same parent is stored once.
CREATE TABLE turn (
    id      INTEGER PRIMARY KEY,
    uid     BLOB NOT NULL UNIQUE CHECK (length(uid) = 16),
    parent  INTEGER REFERENCES turn (id),
    role    TEXT NOT NULL CHECK (role IN ('system', 'user', 'assistant')),
    content TEXT NOT NULL,
    hash    BLOB NOT NULL CHECK (length(hash) = 32), -- of the content
    CHECK (parent < id)
) STRICT;
CREATE INDEX turn_parent ON turn (parent);

-- An assistant turn and where it came from. Two models that said the same are
-- two responses on one turn.
CREATE TABLE response (
    id          INTEGER PRIMARY KEY,
    uid         BLOB NOT NULL UNIQUE CHECK (length(uid) = 16),
    turn        INTEGER NOT NULL REFERENCES turn (id),
    model       TEXT,
    temperature REAL CHECK (temperature >= 0),
    top_p       REAL CHECK (top_p BETWEEN 0 AND 1),
    seed        INTEGER,
    created     TEXT,
    cut         INTEGER NOT NULL DEFAULT 0 CHECK (cut IN (0, 1)),
    extra       TEXT CHECK (extra GLOB '{*}')
) STRICT;
CREATE INDEX response_turn ON response (turn);

-- Two responses to one prompt; a is the one with the smaller uid, so that a
-- judgment means the same in every store, and no side is always the better.
CREATE TABLE comparison (
    id     INTEGER PRIMARY KEY,
    uid    BLOB NOT NULL UNIQUE CHECK (length(uid) = 16),
    prompt INTEGER NOT NULL REFERENCES turn (id), -- last turn of the context
    a      INTEGER NOT NULL REFERENCES response (id),
    b      INTEGER NOT NULL REFERENCES response (id),
    source TEXT NOT NULL,
    batch  TEXT NOT NULL DEFAULT '',
    split  TEXT NOT NULL CHECK (split IN ('train', 'valid', 'test')),
    root   BLOB NOT NULL CHECK (length(root) = 16), -- the root prompt's letters
    extra  TEXT CHECK (extra GLOB '{*}'),
    CHECK (a <> b)
) STRICT;

-- One person's word on one comparison, for one dimension. Append-only: a
-- change, or an undo (choice NULL), is a new row that supersedes an old one.
-- Rows form one hash chain per origin, the store that wrote them.
CREATE TABLE judgment (
    id         INTEGER PRIMARY KEY,
    uid        BLOB NOT NULL UNIQUE CHECK (length(uid) = 16),
    comparison INTEGER NOT NULL REFERENCES comparison (id),
    dimension  TEXT NOT NULL CHECK (dimension IN ('helpfulness', 'safety')),
    choice     TEXT CHECK (choice IN ('a', 'b', 'tie', 'both_bad')),
    strength   INTEGER CHECK (strength BETWEEN 0 AND 3),
    label      TEXT CHECK (label IN ('preferred_safe', 'both_safe',
                                     'both_unsafe', 'preferred_unsafe')),
    shown_left TEXT CHECK (shown_left IN ('a', 'b')),
    seconds    REAL CHECK (seconds >= 0),
    note       TEXT,
    flags      TEXT CHECK (flags GLOB '[[]*]'),
    guideline  TEXT,
    annotator  TEXT NOT NULL DEFAULT '',
    created    TEXT,
    supersedes INTEGER REFERENCES judgment (id),
    extra      TEXT CHECK (extra GLOB '{*}'),
    origin     BLOB NOT NULL CHECK (length(origin) = 16),
    seq        INTEGER NOT NULL CHECK (seq >= 1),
    prev_hash  BLOB NOT NULL CHECK (length(prev_hash) = 32),
    hash       BLOB NOT NULL CHECK (length(hash) = 32),
    UNIQUE (origin, seq),
    CHECK (choice IS NOT NULL OR supersedes IS NOT NULL),
    CHECK (strength IS NULL OR choice IN ('a', 'b')),
    CHECK (label IS NULL OR dimension = 'safety'),
    CHECK (label IS NULL OR label IN ('both_safe', 'both_unsafe')
           OR choice IN ('a', 'b'))
) STRICT;
CREATE INDEX judgment_comparison ON judgment (comparison);
CREATE INDEX judgment_supersedes ON judgment (supersedes)
    WHERE supersedes IS NOT NULL;

CREATE TRIGGER judgment_no_update BEFORE UPDATE ON judgment BEGIN
    SELECT RAISE (ABORT, 'judgments are append-only');
END;
CREATE TRIGGER judgment_no_delete BEFORE DELETE ON judgment BEGIN
    SELECT RAISE (ABORT, 'judgments are append-only');
END;
-- INSERT OR REPLACE would take a row away without the trigger above.
CREATE TRIGGER judgment_no_replace BEFORE INSERT ON judgment
WHEN EXISTS (SELECT 1 FROM judgment WHERE id = NEW.id)
  OR EXISTS (SELECT 1 FROM judgment WHERE uid = NEW.uid)
  OR EXISTS (SELECT 1 FROM judgment
             WHERE origin = NEW.origin AND seq = NEW.seq)
BEGIN
    SELECT RAISE (ABORT, 'judgments are append-only');
END;

-- What stands: neither superseded nor withdrawn.
CREATE VIEW live_judgment AS
SELECT * FROM judgment AS j
WHERE choice IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM judgment AS s WHERE s.supersedes = j.id);

-- One reward model's number for one response: raw r, not sigma(r).
CREATE TABLE score (
    response INTEGER NOT NULL REFERENCES response (id),
    model    BLOB NOT NULL CHECK (length(model) = 32), -- its fingerprint
    name     TEXT NOT NULL,
    value    REAL NOT NULL,
    created  TEXT NOT NULL,
    PRIMARY KEY (response, model)
) STRICT, WITHOUT ROWID;

-- What was read into the store. sha256 is over the file's lines, each with a
-- newline: `zcat -f FILE | sha256sum` for a file without blank lines.
CREATE TABLE import_log (
    id            INTEGER PRIMARY KEY,
    file          TEXT NOT NULL,
    sha256        BLOB NOT NULL CHECK (length(sha256) = 32),
    format        TEXT NOT NULL,
    source        TEXT NOT NULL,
    rows          INTEGER NOT NULL,
    comparisons   INTEGER NOT NULL,
    judgments     INTEGER NOT NULL,
    repeats       INTEGER NOT NULL,
    contradictory INTEGER NOT NULL,
    bad           INTEGER NOT NULL,
    created       TEXT NOT NULL
) STRICT;
