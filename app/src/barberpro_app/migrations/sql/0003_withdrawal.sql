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

-- Stores the request and has the code mailed to the consumer and the request to the business.
-- p_request: {code, name, email, booking_code, detail, locale, business_email}
CREATE FUNCTION withdrawal_receive(p_actor jsonb, p_request jsonb) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_id uuid;
    v_code CONSTANT text := p_request->>'code';
BEGIN
    INSERT INTO withdrawal_request (code, name, email, booking_code, detail, locale)
    VALUES (v_code, p_request->>'name', p_request->>'email', p_request->>'booking_code',
            p_request->>'detail', p_request->>'locale')
    RETURNING id INTO v_id;
    PERFORM audit_record(p_actor, 'withdrawal.received', 'withdrawal', v_id::text,
        jsonb_build_object('code', v_code, 'booking_code', p_request->>'booking_code'));
    INSERT INTO message (kind, recipient, locale, payload, dedupe_key)
    VALUES ('withdrawal_received', p_request->>'email', p_request->>'locale',
            jsonb_build_object('code', v_code, 'name', p_request->>'name'),
            'withdrawal_received:' || v_id);
    IF coalesce(p_request->>'business_email', '') <> '' THEN
        INSERT INTO message (kind, recipient, locale, payload, dedupe_key)
        VALUES ('withdrawal_to_answer', p_request->>'business_email', NULL,
                (p_request - 'business_email') || jsonb_build_object('id', v_id),
                'withdrawal_to_answer:' || v_id);
    END IF;
END $$;

CREATE FUNCTION withdrawal_answer(p_actor jsonb, p_id uuid) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    UPDATE withdrawal_request SET answered_at = now() WHERE id = p_id AND answered_at IS NULL;
    IF FOUND THEN
        PERFORM audit_record(p_actor, 'withdrawal.answered', 'withdrawal', p_id::text, '{}');
        RETURN true;
    END IF;
    RETURN false;
END $$;
