-- A store of version 1 becomes one of version 2: ratings of single responses;
-- campaigns with gold, repeats and a turn limit, and every version of their
-- guidelines. What was version 2 then stands here, whatever the schema is now.
--
-- A rebuilt table must have the text that a new store's has (merge compares
-- them), which renaming the new one would change; so the old one makes way.
-- References to it stay as they are (prefdb__migrate).

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

ALTER TABLE import_log RENAME TO import_log_1;
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
INSERT INTO import_log
SELECT id, file, sha256, format, source, rows, comparisons, judgments, repeats,
       contradictory, bad, 0, created
FROM import_log_1;
DROP TABLE import_log_1;

ALTER TABLE campaign RENAME TO campaign_1;
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
INSERT INTO campaign
SELECT id, name, dimension, overlap, lease_seconds, quota, allow_tie,
       allow_both_bad, guideline, NULL, NULL, NULL, NULL, NULL, NULL,
       NULL, created
FROM campaign_1;
CREATE TABLE guideline (
    campaign INTEGER NOT NULL REFERENCES campaign (id),
    version  TEXT NOT NULL,
    text     TEXT NOT NULL,
    created  TEXT NOT NULL,
    PRIMARY KEY (campaign, version)
) STRICT, WITHOUT ROWID;
INSERT INTO guideline
SELECT id, guideline, guideline_text, created FROM campaign_1;
DROP TABLE campaign_1;

DROP TABLE progress; -- counted anew
CREATE TABLE progress (
    campaign  INTEGER NOT NULL REFERENCES campaign (id),
    annotator TEXT NOT NULL,
    position  INTEGER NOT NULL,
    judged    INTEGER NOT NULL,
    skipped   INTEGER NOT NULL,
    PRIMARY KEY (campaign, annotator)
) STRICT, WITHOUT ROWID;

-- CHECKs of the same meaning that cost less. The rows stay as they are, so the
-- text is all that changes.
UPDATE sqlite_schema SET sql = replace(sql,
'role IN (''system'', ''user'', ''assistant'')',
'role IN (''user'', ''assistant'') OR role = ''system''')
WHERE type = 'table' AND name = 'turn';
UPDATE sqlite_schema SET sql = replace(sql,
'split IN (''train'', ''valid'', ''test'')',
'split IN (''train'', ''valid'') OR split = ''test''')
WHERE type = 'table' AND name = 'comparison';
UPDATE sqlite_schema SET sql = replace(sql,
'choice IN (''a'', ''b'', ''tie'', ''both_bad'')',
'choice IN (''a'', ''b'') OR choice IN (''tie'', ''both_bad'')')
WHERE type = 'table' AND name = 'judgment';
UPDATE sqlite_schema SET sql = replace(sql,
'label IN (''preferred_safe'', ''both_safe'',
                                     ''both_unsafe'', ''preferred_unsafe'')',
'label IN (''preferred_safe'', ''both_safe'') OR
                             label IN (''both_unsafe'', ''preferred_unsafe'')')
WHERE type = 'table' AND name = 'judgment';
