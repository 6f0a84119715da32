-- Paying for a visit: one payment, and what of it each of its bookings gets.

-- What is left to pay of a booking, or of all of the visit that it is of; with 'deposit', of what has
-- to be paid before it is confirmed, if anything has; with 'one', of the booking alone.
CREATE OR REPLACE FUNCTION owed(b booking, p_what text) RETURNS bigint LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_deposit bigint;
BEGIN
    IF p_what = 'deposit' AND b.status IN ('held', 'requested') THEN
        v_deposit := (SELECT sum(x.deposit_centavos) FROM booking x WHERE x.id = b.id OR x.visit_id = b.visit_id);
    END IF;
    RETURN (SELECT sum(greatest(0, CASE WHEN booking_covered(x.id) THEN 0
                            WHEN v_deposit > 0 THEN least(x.deposit_centavos, x.price_centavos)
                            ELSE x.price_centavos END - booking_paid(x.id)))
            FROM booking x
            WHERE x.id = b.id
               OR p_what <> 'one' AND x.visit_id = b.visit_id AND x.status <> 'cancelled');
END $$;

-- The first booking of a visit that is not cancelled, or the first.
CREATE OR REPLACE FUNCTION visit_lead(p_visit uuid) RETURNS uuid LANGUAGE sql STABLE AS $$
    SELECT id FROM booking WHERE visit_id = p_visit ORDER BY status = 'cancelled', visit_line LIMIT 1
$$;

CREATE OR REPLACE FUNCTION payment_parents_lock(p payment) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM visit WHERE id = p.visit_id FOR NO KEY UPDATE;
    PERFORM FROM booking b WHERE b.id = p.booking_id OR b.visit_id = p.visit_id
        OR b.id IN (SELECT s.booking_id FROM payment_share s WHERE s.payment_id = p.id)
        ORDER BY b.id FOR NO KEY UPDATE;
END $$;

-- As booking_for_payment, of all the visit; its first booking.
CREATE OR REPLACE FUNCTION visit_for_payment(
    p_actor jsonb, p_visit uuid, p_request jsonb, p_minutes integer
) RETURNS booking LANGUAGE plpgsql AS $$
DECLARE
    b booking;
    v_until timestamptz;
BEGIN
    PERFORM visit_lock(p_actor, p_visit, NULL);
    SELECT * INTO b FROM booking WHERE id = visit_lead(p_visit);
    IF b.status IN ('requested', 'confirmed', 'arrived', 'completed', 'no_show') THEN
        RETURN b;
    END IF;
    FOR b IN SELECT * FROM booking WHERE visit_id = p_visit ORDER BY visit_line DESC LOOP
        PERFORM check_held(b);
    END LOOP;
    v_until := least(now() + make_interval(mins => p_minutes), b.created_at + interval '60 minutes');
    IF greatest(v_until, b.hold_expires_at) < now() + interval '3 minutes' THEN
        PERFORM refuse('hold_expired', 'The time is no longer kept for you; choose again.');
    END IF;
    IF b.client_id IS NULL THEN
        PERFORM visit_name_client(p_visit, booking_client(p_actor, p_request),
            booking_contact(p_actor, p_request), coalesce(p_request->>'note', ''));
    END IF;
    PERFORM visit_keep_until(p_visit, greatest(b.hold_expires_at, v_until));
    SELECT * INTO b FROM booking WHERE id = visit_lead(p_visit);
    RETURN b;
END $$;

-- Confirms a held visit whose deposits are there by now.
CREATE OR REPLACE FUNCTION visit_confirm_if_paid(p_actor jsonb, p_policies jsonb, p_visit uuid)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    b booking;
BEGIN
    SELECT * INTO b FROM booking WHERE visit_id = p_visit ORDER BY visit_line LIMIT 1;
    IF b.client_id IS NULL OR EXISTS (SELECT FROM booking x WHERE x.visit_id = p_visit AND (
        x.status <> 'held'
        OR NOT booking_covered(x.id) AND booking_paid(x.id) < x.deposit_centavos)) THEN
        RETURN;
    END IF;
    PERFORM visit_confirm(
        (p_actor - 'only_client' - 'only_provider') || '{"staff": true}'::jsonb, p_policies,
        p_visit, jsonb_build_object('client_id', b.client_id, 'note', b.note), NULL);
END $$;

-- As booking_hold_again: all of the visit or nothing.
CREATE OR REPLACE FUNCTION visit_hold_again(p_visit uuid, p_until timestamptz) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    b booking;
BEGIN
    FOR b IN SELECT * FROM booking WHERE visit_id = p_visit LOOP
        IF b.status NOT IN ('held', 'expired') OR b.starts_at <= now() OR EXISTS (
            SELECT FROM time_off t WHERE t.period && tstzrange(b.starts_at, b.ends_at)
            AND (t.provider_id = b.provider_id OR t.location_id = b.location_id)) THEN
            RETURN false;
        END IF;
    END LOOP;
    IF NOT EXISTS (SELECT FROM booking x WHERE x.visit_id = p_visit
                   AND (x.status = 'expired' OR x.hold_expires_at <= now())) THEN
        RETURN true;
    END IF;
    BEGIN
        FOR b IN SELECT * FROM booking WHERE visit_id = p_visit AND status = 'expired'
                 ORDER BY provider_id, starts_at LOOP
            PERFORM booking_occupy_again(b, p_until);
        END LOOP;
    EXCEPTION WHEN exclusion_violation THEN
        RETURN false;
    END;
    UPDATE booking SET status = 'held' , hold_expires_at = p_until
    WHERE visit_id = p_visit AND status = 'expired';
    PERFORM visit_keep_until(p_visit, p_until);
    RETURN true;
END $$;

-- Money of a visit's payment that came or went back, to the accounts of its bookings. What comes pays
-- the deposits first, then the prices, in the order of the visit, of what was missed last; what goes back comes off what was
-- cancelled first, then off the last.
CREATE OR REPLACE FUNCTION visit_money(
    p_actor jsonb, p payment, p_kind text, p_key text, p_delta bigint, p_goodwill boolean
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_rest bigint := abs(p_delta);
    v_part bigint;
    s record;
BEGIN
    FOR s IN SELECT * FROM visit_shares(p, p_delta) LOOP
        v_part := least(v_rest, s.room);
        CONTINUE WHEN v_part <= 0;
        v_rest := v_rest - v_part;
        PERFORM visit_share_move(p, s.booking_id, v_part * sign(p_delta)::bigint);
        PERFORM payment_money(p_actor, jsonb_populate_record(p, jsonb_build_object(
                'visit_id', NULL, 'booking_id', s.booking_id)), p_kind,
            p_key || ':' || s.step || ':' || s.booking_id, v_part * sign(p_delta)::bigint, true, p_goodwill);
    END LOOP;
    IF v_rest > 0 THEN
        RAISE EXCEPTION 'a payment of a visit does not fit its bookings';
    END IF;
END $$;

-- Where money of this payment goes, in order: how much each booking can take, or give back.
CREATE OR REPLACE FUNCTION visit_shares(p payment, p_delta bigint)
RETURNS TABLE (step integer, booking_id uuid, room bigint) LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF p_delta < 0 THEN
        RETURN QUERY
        SELECT 0, s.booking_id, s.received_centavos - s.refunded_centavos
        FROM payment_share s JOIN booking b ON b.id = s.booking_id WHERE s.payment_id = p.id
        ORDER BY EXISTS (SELECT FROM refund r WHERE r.booking_id = b.id AND r.payment_id = p.id
                         AND r.state <> 'done') DESC, b.status = 'cancelled' DESC, b.visit_line DESC;
        RETURN;
    END IF;
    RETURN QUERY
    WITH due AS (
        SELECT b.id, b.visit_line, b.status, booking_paid(b.id) AS paid,
               CASE WHEN booking_covered(b.id) THEN 0 ELSE b.price_centavos END AS price,
               b.deposit_centavos AS deposit
        FROM booking b WHERE b.visit_id = p.visit_id AND b.status <> 'cancelled')
    SELECT x.n, d.id, CASE x.n WHEN 1 THEN greatest(0, least(d.deposit, d.price) - d.paid)
        ELSE greatest(0, d.price - greatest(d.paid, least(d.deposit, d.price))) END
    FROM due d, (VALUES (1), (2)) x(n) ORDER BY x.n, d.status = 'no_show', d.visit_line;
END $$;

CREATE OR REPLACE FUNCTION visit_share_move(p payment, p_booking uuid, p_delta bigint) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF p_delta < 0 THEN
        UPDATE payment_share SET refunded_centavos = refunded_centavos - p_delta
        WHERE payment_id = p.id AND booking_id = p_booking;
        RETURN;
    END IF;
    INSERT INTO payment_share (payment_id, booking_id, received_centavos)
    VALUES (p.id, p_booking, p_delta)
    ON CONFLICT (payment_id, booking_id)
    DO UPDATE SET received_centavos = payment_share.received_centavos + excluded.received_centavos;
END $$;

-- What was paid online for one booking of a visit goes back when it is cancelled.
CREATE OR REPLACE FUNCTION visit_refund_line(p_actor jsonb, p_booking uuid) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    s record;
    v_refund uuid;
BEGIN
    FOR s IN SELECT m.id, m.payment_id, h.received_centavos - h.refunded_centavos - coalesce((
                 SELECT sum(r.amount_centavos) FROM refund r WHERE r.payment_id = h.payment_id
                 AND r.booking_id = h.booking_id AND r.state = 'pending'), 0) AS rest
             FROM payment_share h
             JOIN mercado_pago_payment m ON m.payment_id = h.payment_id AND m.allocated
             WHERE h.booking_id = p_booking LOOP
        CONTINUE WHEN s.rest <= 0;
        v_refund := refund_add(p_actor, s.payment_id, s.id, s.rest::bigint, 'cancelled', '');
        UPDATE refund SET booking_id = p_booking WHERE id = v_refund;
    END LOOP;
END $$;
