-- Credit of caps, and who is turned away for fraud.
--
-- A cap counts by campaign, cap, scope (publisher or destination, else empty) and period (when it
-- began, seconds since the epoch; 0: there is none). Always, for each count:
--     used + sum over its leases of (granted - counted - returned) <= limit

CREATE TABLE cap_counts (
    campaign text NOT NULL,
    cap text NOT NULL,
    scope text NOT NULL,
    period bigint NOT NULL,
    ends bigint,                            -- null: it does not
    used numeric NOT NULL DEFAULT 0,        -- for good
    PRIMARY KEY (campaign, cap, scope, period)
) WITH (fillfactor = 60);                   -- the row is the lock of its count, and changes often

CREATE INDEX cap_counts_ends ON cap_counts (ends) WHERE ends IS NOT NULL;

-- Credit that a process of a node holds; running totals.
CREATE TABLE cap_leases (
    campaign text NOT NULL,
    cap text NOT NULL,
    scope text NOT NULL,
    period bigint NOT NULL,
    node text NOT NULL,
    process bigint NOT NULL,                -- the node's epoch when the process first came up
    granted numeric NOT NULL,
    counted numeric NOT NULL,
    returned numeric NOT NULL,
    lasting boolean NOT NULL,               -- false: concurrent, all returns when it has expired
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (campaign, cap, scope, period, node, process),
    FOREIGN KEY (campaign, cap, scope, period) REFERENCES cap_counts ON DELETE CASCADE
) WITH (fillfactor = 60);

CREATE INDEX cap_leases_node ON cap_leases (node, process);

-- The process that speaks for a node; what an earlier one said late is not heard.
CREATE TABLE cap_nodes (
    node text PRIMARY KEY,
    process bigint NOT NULL
);

-- Whose calls are rejected, until when.
CREATE TABLE fraud_bans (
    campaign text NOT NULL,
    rule text NOT NULL,
    who text NOT NULL,                      -- caller, publisher or number
    value text NOT NULL,
    until double precision NOT NULL,        -- seconds since the epoch
    PRIMARY KEY (campaign, rule, who, value)
);

CREATE INDEX fraud_bans_until ON fraud_bans (until);
