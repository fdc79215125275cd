-- What campaigns have spent, by the minute: `max_spend_per_hour` adds up what all nodes tell.

CREATE TABLE campaign_spend (
    campaign text NOT NULL,
    run text NOT NULL,                      -- one life of one node
    minute bigint NOT NULL,                 -- by that node's monotonic clock
    amount numeric NOT NULL,                -- so far
    began timestamptz NOT NULL,             -- when the minute did, by the database's clock
    PRIMARY KEY (campaign, run, minute)
) WITH (fillfactor = 60);                   -- a row changes often while its minute lasts

CREATE INDEX campaign_spend_began ON campaign_spend (began);
