-- Nodes, calls, their corrections, and how far each node's records.jsonl has been read.

CREATE TABLE nodes (
    id text PRIMARY KEY,
    name text NOT NULL,
    -- Grows with every start, and when a node comes back after it was taken for dead. What was
    -- leased to (id, epoch) belongs to nobody as soon as the row says another epoch or has expired.
    epoch bigint NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    seen_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL
);

CREATE FUNCTION node_is_alive(node_id text, node_epoch bigint) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT FROM nodes
        WHERE id = node_id AND epoch = node_epoch AND expires_at > clock_timestamp()
    )
$$;

-- One row a call: its newest version. Version 1 is the line in records.jsonl, word for word.
CREATE TABLE calls (
    call_id text PRIMARY KEY,
    version integer NOT NULL,
    node text NOT NULL,
    campaign text,
    publisher text,
    number text,
    called text,
    caller text,
    pool text,
    parameters jsonb NOT NULL,
    received_at timestamptz NOT NULL,
    answered_at timestamptz,
    ended_at timestamptz,
    ivr_seconds double precision,
    ring_seconds double precision,
    talk_seconds double precision,
    total_seconds double precision,
    ended_by text,
    cause text,
    rating text,
    amount numeric,
    currency text,
    record jsonb NOT NULL,
    inserted_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE INDEX calls_received ON calls (received_at);
CREATE INDEX calls_campaign ON calls (campaign, received_at);
CREATE INDEX calls_publisher ON calls (publisher, received_at);
CREATE INDEX calls_number ON calls (number, received_at);
CREATE INDEX calls_caller ON calls (caller, received_at);
CREATE INDEX calls_parameters ON calls USING gin (parameters jsonb_path_ops);
CREATE INDEX calls_inserted ON calls (inserted_at);

-- What was learnt about a call after its record was written; version 2 and on. The truth about
-- corrections: records.jsonl does not know them, and a rebuilt call gets them again from here.
CREATE TABLE call_corrections (
    call_id text NOT NULL,
    version integer NOT NULL,
    changes jsonb NOT NULL,
    made_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (call_id, version)
);

-- How far the records.jsonl of a node is in `calls`: every line before `position`. `tail` is a
-- digest of the bytes before it, which tells another file of the same name.
CREATE TABLE record_files (
    node text PRIMARY KEY,
    position bigint NOT NULL,
    tail bytea NOT NULL,
    skipped bigint NOT NULL DEFAULT 0,
    updated_at timestamptz NOT NULL DEFAULT now()
);
