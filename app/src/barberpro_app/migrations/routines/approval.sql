-- Bookings that the business approves. A request takes its time like a hold until it is answered or its
-- time to be answered is over; of a visit all lines are asked for, and answered, together.

-- Why a booking of this service by this client waits for a yes: the rule for the service before one
-- for all, of equals the newest; null if none holds. What staff and programs book is approved.
CREATE OR REPLACE FUNCTION approval_rule_for(p_service uuid, p_client uuid, p_source text)
RETURNS approval_rule LANGUAGE plpgsql STABLE AS $$
DECLARE
    r approval_rule;
BEGIN
    IF p_source NOT IN ('staff', 'system', 'api') THEN
        SELECT * INTO r FROM approval_rule a
        WHERE a.active AND (a.service_id IS NULL OR a.service_id = p_service)
          AND CASE a.applies
              WHEN 'always' THEN true
              WHEN 'new_client' THEN NOT EXISTS (SELECT FROM booking b
                  WHERE b.client_id = p_client AND b.status IN ('arrived', 'completed'))
              ELSE client_no_shows(p_client) >= a.no_shows END
        ORDER BY a.service_id IS NULL, a.id DESC LIMIT 1;
    END IF;
    RETURN r;
END $$;

-- The rule for a hold that is about to be confirmed for this client. What follows in a series whose
-- first booking stands was approved with it.
CREATE OR REPLACE FUNCTION booking_asks(b booking, p_client uuid) RETURNS approval_rule
LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF b.approved_at IS NULL AND b.series_id IS NULL THEN
        RETURN approval_rule_for(b.service_id, p_client, b.source);
    END IF;
    RETURN NULL;
END $$;

-- Of a booking, or of all of the visit that it is of: what has to be paid before it is confirmed.
CREATE OR REPLACE FUNCTION deposit_owed(b booking) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT coalesce(sum(greatest(0, least(x.deposit_centavos, x.price_centavos) - booking_paid(x.id))), 0)::bigint
    FROM booking x
    WHERE (x.id = b.id OR x.visit_id = b.visit_id) AND x.status <> 'cancelled'
      AND x.source NOT IN ('staff', 'system', 'api') AND NOT booking_covered(x.id)
$$;

CREATE OR REPLACE FUNCTION sitting_body(b booking) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN CASE WHEN b.visit_id IS NULL THEN booking_body(b.id) ELSE visit_body(b.visit_id) END;
END $$;

-- Moves a booking, or all that is open of its visit, to a status, with its time kept until then.
CREATE OR REPLACE FUNCTION sitting_set(b booking, p_status text, p_until timestamptz) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_ids CONSTANT uuid[] := ARRAY(SELECT x.id FROM booking x
        WHERE (x.id = b.id OR x.visit_id = b.visit_id) AND x.status IN ('held', 'requested')
        ORDER BY x.visit_line);
BEGIN
    UPDATE booking SET status = p_status, hold_expires_at = p_until, version = version + 1,
        updated_at = now() WHERE id = ANY (v_ids);
    UPDATE occupancy SET expires_at = p_until, active = p_status <> 'cancelled'
    WHERE booking_id = ANY (v_ids);
    PERFORM visit_touch(b.visit_id) WHERE b.visit_id IS NOT NULL;
END $$;

-- Turns a hold into a request for this client; refuses while a deposit is missing that the rule wants
-- before. Answers the booking.
CREATE OR REPLACE FUNCTION booking_ask(
    p_actor jsonb, b booking, r approval_rule, p_client uuid, p_request jsonb
) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    v_body jsonb;
BEGIN
    -- what was asked of the same client before stays: it may be on its way already
    IF b.client_id IS DISTINCT FROM p_client THEN
        b.contact := NULL;
        b.deposit_centavos := greatest(b.deposit_centavos,
            (deposit_quote(b.service_id, p_client, b.price_centavos)).deposit);
    END IF;
    UPDATE booking SET client_id = p_client,
        contact = coalesce(booking_contact(p_actor, p_request), b.contact),
        note = coalesce(p_request->>'note', ''), deposit_centavos = b.deposit_centavos
    WHERE id = b.id RETURNING * INTO b;
    IF r.deposit = 'before' AND deposit_owed(b) > 0 THEN
        PERFORM refuse('deposit_required', 'A deposit of ' || deposit_owed(b)
            || ' centavos has to be paid first.', 'deposit_centavos');
    END IF;
    PERFORM sitting_set(b, 'requested', approval_until(b, r.answer_hours));
    v_body := booking_body(b.id);
    PERFORM audit_record(p_actor, 'booking.requested', 'booking', b.id::text,
        booking_facts(v_body, p_request));
    PERFORM tell_client('booking_requested', v_body);
    RETURN v_body;
END $$;

-- So many hours from now, never past the start.
CREATE OR REPLACE FUNCTION approval_until(b booking, p_hours integer) RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT least(now() + make_interval(hours => p_hours), (
        SELECT min(x.starts_at) FROM booking x
        WHERE x.id = b.id OR x.visit_id = b.visit_id AND x.status <> 'cancelled'))
$$;

-- The strictest of the rules for a held visit's lines: the shortest time to answer, and the deposit
-- before if one wants it so.
CREATE OR REPLACE FUNCTION visit_asks(p_visit uuid) RETURNS approval_rule LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_rule approval_rule;
    r approval_rule;
    b booking;
BEGIN
    FOR b IN SELECT * FROM booking WHERE visit_id = p_visit LOOP
        r := booking_asks(b, b.client_id);
        CONTINUE WHEN r.id IS NULL;
        IF v_rule.id IS NULL THEN
            v_rule := r;
        END IF;
        v_rule.answer_hours := least(v_rule.answer_hours, r.answer_hours);
        v_rule.pay_hours := least(v_rule.pay_hours, r.pay_hours);
        IF 'before' IN (v_rule.deposit, r.deposit) THEN
            v_rule.deposit := 'before';
        END IF;
    END LOOP;
    RETURN v_rule;
END $$;

-- {decision: approve | decline, reason?, version?}: the answer to a request. With a deposit still to be
-- paid the time is kept for that, and the client gets the link.
CREATE OR REPLACE FUNCTION booking_decide(
    p_actor jsonb, p_policies jsonb, p_id uuid, p_request jsonb, p_key jsonb
) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    v_answer jsonb := idempotency_begin(p_key);
    v_kind text;
    r approval_rule;
    b booking;
BEGIN
    IF v_answer IS NOT NULL THEN
        RETURN v_answer;
    END IF;
    b := booking_lock(p_actor, p_id, NULL);
    IF b.visit_id IS NOT NULL THEN
        PERFORM visit_lock(p_actor, b.visit_id, NULL);
    END IF;
    IF (p_request->>'version')::integer <> (sitting_body(b)->>'version')::integer THEN
        PERFORM refuse('stale_version', 'Somebody else changed this booking meanwhile.', 'version');
    END IF;
    IF b.status = 'requested' AND b.hold_expires_at <= now() THEN
        PERFORM refuse('request_lapsed', 'The time to answer is over.');
    ELSIF b.status <> 'requested' THEN
        PERFORM refuse('not_requested', 'This is ' || b.status || ', not a request.');
    END IF;
    IF p_request->>'decision' = 'decline' THEN
        UPDATE booking SET cancel_reason = coalesce(p_request->>'reason', '')
        WHERE id = b.id OR visit_id = b.visit_id;
        PERFORM sitting_set(b, 'cancelled', NULL);
        v_kind := 'booking_declined';
    ELSE
        r := approval_rule_for(b.service_id, b.client_id, b.source);
        UPDATE booking SET approved_at = now() WHERE id = b.id OR visit_id = b.visit_id;
        IF deposit_owed(b) > 0 THEN
            PERFORM sitting_set(b, 'held', approval_until(b, coalesce(r.pay_hours, 24)));
            v_kind := 'booking_pay';
        ELSE
            PERFORM sitting_set(b, 'confirmed', NULL);
            v_kind := 'booking_confirmed';
        END IF;
    END IF;
    v_answer := sitting_body(b);
    PERFORM audit_record(p_actor, 'booking.' || (p_request->>'decision') || 'd', 'booking', p_id::text,
        booking_facts(v_answer, p_request));
    PERFORM tell_client(v_kind, v_answer);
    RETURN idempotency_end(p_key, 200, v_answer);
END $$;

-- Tells who waited that their time is gone: once, also of a visit, whose lines expire one by one.
CREATE OR REPLACE FUNCTION tell_of_lapse(b booking) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM tell_client('booking_lapsed', CASE WHEN b.visit_id IS NULL THEN booking_body(b.id)
        ELSE visit_body(b.visit_id) || jsonb_build_object('id',
            (SELECT id FROM booking WHERE visit_id = b.visit_id ORDER BY visit_line LIMIT 1)) END);
END $$;
