-- What callers answered once and are not asked again, and numbers that stood for a call.

CREATE TABLE answers (
    caller text NOT NULL,
    question text NOT NULL,
    answer text NOT NULL,
    given_at timestamptz NOT NULL,
    PRIMARY KEY (caller, question)
);

CREATE INDEX answers_by_time ON answers (given_at);

CREATE TABLE caller_ids (
    number text NOT NULL,
    call_id text NOT NULL,
    shown_at timestamptz NOT NULL,
    PRIMARY KEY (call_id, number)
);

-- Which call was it that showed this number: the latest before a moment.
CREATE INDEX caller_ids_by_number ON caller_ids (number, shown_at);
CREATE INDEX caller_ids_by_time ON caller_ids (shown_at);
