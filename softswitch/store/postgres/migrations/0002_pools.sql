-- Ring pools. Times are seconds since the epoch, by the clock of the database.
--
-- One row of ring_pools is the lock of everything about that pool. A number has one row, and so one
-- binding at most, by construction; what was bound before is history in ring_bindings.

CREATE TABLE ring_pools (
    name text PRIMARY KEY,
    version bigint NOT NULL DEFAULT 0,      -- counts every change
    told bigint NOT NULL DEFAULT 0,         -- version of the last change that calls must know
    reloaded bigint NOT NULL DEFAULT 0,     -- version since which no number has left
    at double precision NOT NULL DEFAULT 0, -- time of the last change: time never goes back
    turn text NOT NULL DEFAULT '',          -- number rebound last
    exhausted boolean NOT NULL DEFAULT false
);

CREATE TABLE ring_stocks (
    name text PRIMARY KEY
);

CREATE TABLE ring_numbers (
    number text PRIMARY KEY,
    position integer NOT NULL,
    stock text,                             -- where it belongs; null: to its pool
    pool text,                              -- where it is; null: in its stock
    attributes jsonb NOT NULL DEFAULT '{}',
    available_at double precision NOT NULL DEFAULT 0, -- in the stock: from when it may be taken
    version bigint NOT NULL DEFAULT 0,      -- of its pool, when it changed last
    told bigint NOT NULL DEFAULT 0,         -- of its pool, when calls were last concerned
    joined_at double precision NOT NULL DEFAULT 0,
    free_since double precision,            -- null: not used in this pool yet
    last_owner text,
    last_values jsonb,
    day_start double precision NOT NULL DEFAULT 0,
    day_calls integer NOT NULL DEFAULT 0,
    -- The binding in force.
    binding_id text,
    owner text,
    publisher text,
    "values" jsonb,
    bound_at double precision,
    seen_at double precision,
    called_at double precision,
    calls integer NOT NULL DEFAULT 0
) WITH (fillfactor = 60);
-- Rows change often: there is room for a new version on the same page, and nothing that changes
-- with a binding is indexed, so that no index changes with it. That an owner has one number for
-- the same values is kept by the lock.

CREATE INDEX ring_numbers_pool ON ring_numbers (pool) WHERE pool IS NOT NULL;
CREATE INDEX ring_numbers_spare ON ring_numbers (stock, position, number) WHERE pool IS NULL;

-- Bindings that are over.
CREATE TABLE ring_bindings (
    binding_id text PRIMARY KEY,
    pool text NOT NULL,
    number text NOT NULL,
    owner text NOT NULL,
    publisher text,
    "values" jsonb NOT NULL,
    bound_at double precision NOT NULL,
    seen_at double precision NOT NULL,
    called_at double precision,
    calls integer NOT NULL,
    ended_at double precision NOT NULL,
    why text NOT NULL,
    version bigint NOT NULL
);

CREATE INDEX ring_bindings_pool ON ring_bindings (pool, version);
-- In the order of time, near enough: for clearing away what is old.
CREATE INDEX ring_bindings_ended ON ring_bindings USING brin (ended_at);

-- The numbers of the configuration that were taken over last.
CREATE TABLE ring_source (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    digest text NOT NULL
);

-- What pools were asked for, by the hour: new bindings, and requests that found nothing.
CREATE TABLE ring_hours (
    pool text NOT NULL,
    hour bigint NOT NULL,
    bound bigint NOT NULL DEFAULT 0,
    overflowed bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (pool, hour)
) WITH (fillfactor = 60);
