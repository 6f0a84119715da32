-- Withdrawing from a contract, and ending a service that goes on: a code at once, by the same channel.

-- Stores the request and has the code mailed to the consumer and the request to the business.
-- p_request: {code, name, email, booking_code, detail, locale, business_email, kind?}
CREATE OR REPLACE FUNCTION withdrawal_receive(p_actor jsonb, p_request jsonb) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_id uuid;
    v_code CONSTANT text := p_request->>'code';
    v_kind CONSTANT text := coalesce(p_request->>'kind', 'regret');
    v_prefix CONSTANT text := CASE v_kind WHEN 'regret' THEN 'withdrawal' ELSE 'ending' END;
BEGIN
    INSERT INTO withdrawal_request (code, name, email, booking_code, detail, locale, kind)
    VALUES (v_code, p_request->>'name', p_request->>'email', p_request->>'booking_code',
            p_request->>'detail', p_request->>'locale', v_kind)
    RETURNING id INTO v_id;
    PERFORM audit_record(p_actor, v_prefix || '.received', 'withdrawal', v_id::text,
        jsonb_build_object('code', v_code, 'booking_code', p_request->>'booking_code'));
    INSERT INTO message (kind, recipient, locale, payload, dedupe_key)
    VALUES (v_prefix || '_received', p_request->>'email', p_request->>'locale',
            jsonb_build_object('code', v_code, 'name', p_request->>'name', 'until', ''),
            'withdrawal_received:' || v_id);
    IF coalesce(p_request->>'business_email', '') <> '' THEN
        INSERT INTO message (kind, recipient, locale, payload, dedupe_key)
        VALUES (v_prefix || '_to_answer', p_request->>'business_email', NULL,
                (p_request - 'business_email') || jsonb_build_object('id', v_id, 'plan', ''),
                'withdrawal_to_answer:' || v_id);
    END IF;
END $$;

CREATE OR REPLACE FUNCTION withdrawal_answer(p_actor jsonb, p_id uuid) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    v_kind text;
BEGIN
    UPDATE withdrawal_request SET answered_at = now() WHERE id = p_id AND answered_at IS NULL
    RETURNING kind INTO v_kind;
    IF FOUND THEN
        PERFORM audit_record(p_actor, CASE v_kind WHEN 'regret' THEN 'withdrawal' ELSE 'ending' END
            || '.answered', 'withdrawal', p_id::text, '{}');
        RETURN true;
    END IF;
    RETURN false;
END $$;

-- Ends a membership of a client at once; the code, that of the first time if it is asked for again.
-- What is paid stays good until its end, and no other period begins.
-- p_request: {code, locale, business_email}
CREATE OR REPLACE FUNCTION membership_end(
    p_actor jsonb, p_pass uuid, p_client uuid, p_request jsonb
) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    s pass;
    c client;
    v_id uuid;
    v_code text;
    v_until text;
BEGIN
    SELECT * INTO s FROM pass WHERE id = p_pass AND client_id = p_client AND kind = 'membership'
    FOR UPDATE;
    IF NOT FOUND THEN
        PERFORM refuse('not_found', 'There is no such membership.', 'pass_id');
    END IF;
    SELECT code INTO v_code FROM withdrawal_request WHERE pass_id = p_pass ORDER BY id LIMIT 1;
    IF FOUND AND s.ended_at IS NOT NULL THEN
        RETURN v_code;
    END IF;
    SELECT * INTO c FROM client WHERE id = p_client;
    SELECT to_char(max(ends_at) AT TIME ZONE coalesce(p_request->>'zone', 'UTC'), 'DD/MM/YYYY')
    INTO v_until FROM pass_period WHERE pass_id = p_pass AND state = 'open';
    UPDATE pass SET ended_at = now() WHERE id = p_pass;
    v_code := p_request->>'code';
    INSERT INTO withdrawal_request (code, name, email, locale, kind, pass_id, answered_at, detail)
    VALUES (v_code, c.name, coalesce(c.email, '---'), p_request->>'locale', 'cancellation', p_pass,
            now(), s.name)
    RETURNING id INTO v_id;
    PERFORM audit_record(p_actor, 'membership.ended', 'pass', p_pass::text,
        jsonb_build_object('code', v_code));
    IF c.email IS NOT NULL THEN
        INSERT INTO message (kind, recipient, locale, payload, dedupe_key, client_id)
        VALUES ('ending_received', c.email, p_request->>'locale', jsonb_build_object(
            'code', v_code, 'name', c.name, 'until', coalesce(v_until, '')),
            'withdrawal_received:' || v_id, p_client);
    END IF;
    IF coalesce(p_request->>'business_email', '') <> '' THEN
        INSERT INTO message (kind, recipient, locale, payload, dedupe_key)
        VALUES ('ending_to_answer', p_request->>'business_email', NULL, jsonb_build_object(
            'code', v_code, 'name', c.name, 'email', coalesce(c.email, ''), 'booking_code', '',
            'detail', '', 'plan', s.name, 'id', v_id), 'withdrawal_to_answer:' || v_id);
    END IF;
    RETURN v_code;
END $$;

-- What ends is not paid for again, whoever tries: a period that would begin is refused, and money
-- that comes late goes back by hand like any other that is not asked for.
CREATE OR REPLACE FUNCTION membership_ended() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM pass WHERE id = NEW.pass_id AND ended_at IS NOT NULL) THEN
        PERFORM refuse('membership_ended', 'This membership was ended by its client.', 'pass_id');
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER membership_ended BEFORE INSERT ON purchase
    FOR EACH ROW WHEN (NEW.pass_id IS NOT NULL) EXECUTE FUNCTION membership_ended();
