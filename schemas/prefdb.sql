-- A prefkit store, version 2. (application_id and user_version are set by the
-- program: prefdb/store/store.c.)
--
-- Identity. `id` is a local row number and never leaves the file. `uid` is the
-- first 16 bytes of a SHA-256 over length-prefixed fields (prefdb/store/ids.c), so
-- the same thing has the same uid in every store, importing a file twice
-- changes nothing, and stores can be merged. A uid is looked up below the row
-- that it hangs on (a turn below its parent, a judgment below its comparison),
-- so that no index takes its keys at random places, whatever the store's size.
--
-- Enumerations are readable text, in the spelling of prefdb/prefdb.h. Times
-- are ISO 8601 text, in UTC. NULL is "not stated". `extra` is a JSON object:
-- what a source knows and no column holds; its members "a" and "b", if any,
-- belong to the two responses.
--
-- A CHECK on the way of an import lists no more than two values at a time: for
-- a longer list SQLite makes a temporary table, on every row.

CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value ANY NOT NULL
) STRICT, WITHOUT ROWID;

-- A message; a conversation is the path from a root (parent NULL). The same
-- turn under the same parent is stored once.
CREATE TABLE turn (
    id      INTEGER PRIMARY KEY,
    uid     BLOB NOT NULL CHECK (length(uid) = 16),
    parent  INTEGER REFERENCES turn (id),
    role    TEXT NOT NULL CHECK (role IN ('user', 'assistant') OR role = 'system'),
    content TEXT NOT NULL,
    hash    BLOB NOT NULL CHECK (length(hash) = 32), -- of the content
    CHECK (parent < id)
) STRICT;
CREATE UNIQUE INDEX turn_child ON turn (parent, uid) WHERE parent IS NOT NULL;
CREATE UNIQUE INDEX turn_root ON turn (uid) WHERE parent IS NULL;

-- An assistant turn and where it came from. Two models that said the same are
-- two responses on one turn.
CREATE TABLE response (
    id          INTEGER PRIMARY KEY,
    uid         BLOB NOT NULL CHECK (length(uid) = 16),
    turn        INTEGER NOT NULL REFERENCES turn (id),
    model       TEXT,
    temperature REAL CHECK (temperature >= 0),
    top_p       REAL CHECK (top_p BETWEEN 0 AND 1),
    seed        INTEGER,
    created     TEXT,
    cut         INTEGER NOT NULL DEFAULT 0 CHECK (cut IN (0, 1)),
    extra       TEXT CHECK (extra GLOB '{*}'),
    UNIQUE (turn, uid)
) STRICT;

-- Two responses to one prompt; a is the one with the smaller uid, so that a
-- judgment means the same in every store, and no side is always the better.
CREATE TABLE comparison (
    id     INTEGER PRIMARY KEY,
    uid    BLOB NOT NULL CHECK (length(uid) = 16),
    prompt INTEGER NOT NULL REFERENCES turn (id), -- last turn of the context
    a      INTEGER NOT NULL REFERENCES response (id),
    b      INTEGER NOT NULL REFERENCES response (id),
    source TEXT NOT NULL,
    batch  TEXT NOT NULL DEFAULT '',
    split  TEXT NOT NULL CHECK (split IN ('train', 'valid') OR split = 'test'),
    root   BLOB NOT NULL CHECK (length(root) = 16), -- the root prompt's letters
    extra  TEXT CHECK (extra GLOB '{*}'),
    UNIQUE (prompt, uid),
    CHECK (a <> b)
) STRICT;
CREATE INDEX comparison_batch ON comparison (batch) WHERE batch <> '';

-- One person's word on one comparison, for one dimension. Append-only: a
-- change, or an undo (choice NULL), is a new row that supersedes an old one.
CREATE TABLE judgment (
    id         INTEGER PRIMARY KEY,
    uid        BLOB NOT NULL CHECK (length(uid) = 16),
    comparison INTEGER NOT NULL REFERENCES comparison (id),
    dimension  TEXT NOT NULL CHECK (dimension IN ('helpfulness', 'safety')),
    choice     TEXT CHECK (choice IN ('a', 'b') OR choice IN ('tie', 'both_bad')),
    strength   INTEGER CHECK (strength BETWEEN 0 AND 3),
    label      TEXT CHECK (label IN ('preferred_safe', 'both_safe') OR
                             label IN ('both_unsafe', 'preferred_unsafe')),
    shown_left TEXT CHECK (shown_left IN ('a', 'b')),
    seconds    REAL CHECK (seconds >= 0),
    note       TEXT,
    flags      TEXT CHECK (flags GLOB '[[]*]'),
    guideline  TEXT,
    annotator  TEXT NOT NULL DEFAULT '',
    created    TEXT,
    supersedes INTEGER REFERENCES judgment (id),
    extra      TEXT CHECK (extra GLOB '{*}'),
    UNIQUE (comparison, uid),
    CHECK (supersedes < id),
    CHECK (choice IS NOT NULL OR supersedes IS NOT NULL),
    CHECK (strength IS NULL OR choice IN ('a', 'b')),
    CHECK (label IS NULL OR dimension = 'safety'),
    CHECK (label IS NULL OR label IN ('both_safe', 'both_unsafe')
           OR choice IN ('a', 'b'))
) STRICT;
CREATE INDEX judgment_supersedes ON judgment (supersedes)
    WHERE supersedes IS NOT NULL;
CREATE INDEX judgment_annotator ON judgment (annotator, id)
    WHERE annotator <> '';

-- The order in which judgments were said: one hash chain per origin, the store
-- that wrote them; hash covers the link before it and the judgment's content.
-- Stores that were merged hold each other's chains, unchanged. What was
-- imported into two of them is one judgment with a link in both chains.
CREATE TABLE link (
    origin   BLOB NOT NULL CHECK (length(origin) = 16),
    seq      INTEGER NOT NULL CHECK (seq >= 1),
    judgment INTEGER NOT NULL REFERENCES judgment (id),
    hash     BLOB NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (origin, seq)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER judgment_no_update BEFORE UPDATE ON judgment BEGIN
    SELECT RAISE (ABORT, 'judgments are append-only');
END;
CREATE TRIGGER judgment_no_delete BEFORE DELETE ON judgment BEGIN
    SELECT RAISE (ABORT, 'judgments are append-only');
END;
-- INSERT OR REPLACE would take a row away without the trigger above.
CREATE TRIGGER judgment_no_replace BEFORE INSERT ON judgment
WHEN EXISTS (SELECT 1 FROM judgment WHERE id = NEW.id)
  OR EXISTS (SELECT 1 FROM judgment
             WHERE comparison = NEW.comparison AND uid = NEW.uid)
BEGIN
    SELECT RAISE (ABORT, 'judgments are append-only');
END;
CREATE TRIGGER link_no_update BEFORE UPDATE ON link BEGIN
    SELECT RAISE (ABORT, 'judgments are append-only');
END;
CREATE TRIGGER link_no_delete BEFORE DELETE ON link BEGIN
    SELECT RAISE (ABORT, 'judgments are append-only');
END;
CREATE TRIGGER link_no_replace BEFORE INSERT ON link
WHEN EXISTS (SELECT 1 FROM link
             WHERE origin = NEW.origin AND seq = NEW.seq)
BEGIN
    SELECT RAISE (ABORT, 'judgments are append-only');
END;

-- What stands: neither superseded nor withdrawn.
CREATE VIEW live_judgment AS
SELECT * FROM judgment AS j
WHERE choice IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM judgment AS s WHERE s.supersedes = j.id);

-- One number that was said of one response by itself: HelpSteer2's
-- correctness, a safety label (is_safe, 0 or 1). low and high are the ends of
-- its scale. Who said it is '' where that is not stated.
CREATE TABLE rating (
    id        INTEGER PRIMARY KEY,
    uid       BLOB NOT NULL CHECK (length(uid) = 16),
    response  INTEGER NOT NULL REFERENCES response (id),
    attribute TEXT NOT NULL CHECK (attribute <> ''),
    value     REAL NOT NULL,
    low       REAL,
    high      REAL,
    annotator TEXT NOT NULL DEFAULT '',
    created   TEXT,
    extra     TEXT CHECK (extra GLOB '{*}'),
    UNIQUE (response, uid),
    CHECK ((low IS NULL) = (high IS NULL)),
    CHECK (low IS NULL OR value BETWEEN low AND high)
) STRICT;

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
    ratings       INTEGER NOT NULL,
    created       TEXT NOT NULL
) STRICT;

-- What labelers are asked to do in this file: judge each task's comparison
-- `overlap` times, in the order of the tasks. Tasks, leases and drafts belong to
-- one file and are not merged; judgments and guidelines are.
CREATE TABLE campaign (
    id             INTEGER PRIMARY KEY,
    name           TEXT NOT NULL UNIQUE,
    dimension      TEXT NOT NULL CHECK (dimension IN ('helpfulness', 'safety')),
    overlap        INTEGER NOT NULL CHECK (overlap BETWEEN 1 AND 1000),
    lease_seconds  INTEGER NOT NULL CHECK (lease_seconds >= 1),
    quota          INTEGER CHECK (quota >= 1), -- judgments per annotator
    allow_tie      INTEGER NOT NULL CHECK (allow_tie IN (0, 1)),
    allow_both_bad INTEGER NOT NULL CHECK (allow_both_bad IN (0, 1)),
    guideline      TEXT NOT NULL, -- its version, kept with each judgment
    gold           TEXT, -- the annotator whose word is right
    gold_every     INTEGER CHECK (gold_every >= 2), -- one of so many pairs
    repeat_every   INTEGER CHECK (repeat_every >= 2),
    turn_limit     INTEGER CHECK (turn_limit >= 1), -- of a live dialogue
    -- How it was filled last.
    task_order     TEXT CHECK (task_order IN ('oldest', 'random', 'uncertain')),
    scored_by      TEXT,
    against        TEXT,
    created        TEXT NOT NULL
) STRICT;

-- Every version of what a campaign's annotators were told. A version's text
-- stays, as judgments name it.
CREATE TABLE guideline (
    campaign INTEGER NOT NULL REFERENCES campaign (id),
    version  TEXT NOT NULL,
    text     TEXT NOT NULL,
    created  TEXT NOT NULL,
    PRIMARY KEY (campaign, version)
) STRICT, WITHOUT ROWID;

-- `done` is 1 when nobody need look at the task again; 0 may be out of date
-- (after a merge), and is then put right when the task is come upon.
CREATE TABLE task (
    campaign   INTEGER NOT NULL REFERENCES campaign (id),
    position   INTEGER NOT NULL,
    comparison INTEGER NOT NULL REFERENCES comparison (id),
    done       INTEGER NOT NULL DEFAULT 0 CHECK (done IN (0, 1)),
    PRIMARY KEY (campaign, position),
    UNIQUE (campaign, comparison)
) STRICT, WITHOUT ROWID;
CREATE INDEX task_open ON task (campaign, position) WHERE done = 0;

-- Who has which task in hand, until when (seconds since 1970).
CREATE TABLE lease (
    campaign   INTEGER NOT NULL REFERENCES campaign (id),
    comparison INTEGER NOT NULL REFERENCES comparison (id),
    annotator  TEXT NOT NULL,
    expires    INTEGER NOT NULL,
    PRIMARY KEY (campaign, comparison, annotator)
) STRICT, WITHOUT ROWID;
CREATE INDEX lease_annotator ON lease (campaign, annotator);

-- Comparisons that an annotator did not want to judge, and why.
CREATE TABLE skip (
    campaign   INTEGER NOT NULL REFERENCES campaign (id),
    comparison INTEGER NOT NULL REFERENCES comparison (id),
    annotator  TEXT NOT NULL,
    reason     TEXT NOT NULL,
    created    TEXT NOT NULL,
    PRIMARY KEY (campaign, comparison, annotator)
) STRICT, WITHOUT ROWID;

-- Where an annotator is: every task before this position is dealt with; how
-- many judgments stand and how many pairs were skipped. A row that is not there
-- is counted anew (after a merge).
CREATE TABLE progress (
    campaign  INTEGER NOT NULL REFERENCES campaign (id),
    annotator TEXT NOT NULL,
    position  INTEGER NOT NULL,
    judged    INTEGER NOT NULL,
    skipped   INTEGER NOT NULL,
    PRIMARY KEY (campaign, annotator)
) STRICT, WITHOUT ROWID;

-- Work that is not finished: a half-made verdict, a note, a prompt. `key` and
-- `value` are the program's that keeps it.
CREATE TABLE draft (
    annotator TEXT NOT NULL,
    key       TEXT NOT NULL,
    value     TEXT NOT NULL,
    created   TEXT NOT NULL,
    PRIMARY KEY (annotator, key)
) STRICT, WITHOUT ROWID;
