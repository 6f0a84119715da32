-- Withdrawal from a contract made at a distance (Ley 24.240 art. 34; Disposición 954/2025): asked
-- for without registration, with a tracking code given at once and by the same channel.

CREATE TABLE withdrawal_request (
    id           uuid PRIMARY KEY DEFAULT uuidv7(),
    code         text NOT NULL UNIQUE CHECK (code ~ '^A[2-9A-HJKMNP-TV-Z]{9}$'),
    name         text NOT NULL CHECK (length(name) BETWEEN 1 AND 120),
    email        text NOT NULL CHECK (length(email) BETWEEN 3 AND 254),
    booking_code text NOT NULL DEFAULT '' CHECK (length(booking_code) <= 20),
    detail       text NOT NULL DEFAULT '' CHECK (length(detail) <= 1000),
    locale       text NOT NULL CHECK (length(locale) <= 5),
    created_at   timestamptz NOT NULL DEFAULT now(),
    answered_at  timestamptz
);
CREATE INDEX withdrawal_request_created ON withdrawal_request (created_at);
