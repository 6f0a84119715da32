-- What packages and memberships do: credits, periods, what they have earned.

-- Moves what a period has earned to p_earned of its price, and writes the difference.
CREATE OR REPLACE FUNCTION pass_earn(
    p_period pass_period, p_earned bigint, p_account text, p_kind text, p_key text
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM ledger_post('{"kind": "system", "id": ""}', p_kind, p_period.currency,
        jsonb_build_object('kind', 'pass', 'id', p_period.pass_id), p_key, jsonb_build_array(
            ledger_part('packages', p_earned - p_period.earned_centavos, p_period.client_id),
            ledger_part(p_account, p_period.earned_centavos - p_earned)));
    UPDATE pass_period SET earned_centavos = p_earned WHERE id = p_period.id;
END $$;

-- A payment for a plan is there: its period begins, at once or after the one that runs.
CREATE OR REPLACE FUNCTION pass_open(p_actor jsonb, p payment) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    u purchase;
    l plan;
    v_pass uuid;
    v_from timestamptz;
BEGIN
    SELECT * INTO u FROM purchase WHERE id = p.purchase_id FOR UPDATE;
    SELECT * INTO l FROM plan WHERE id = u.plan_id;
    v_pass := u.pass_id;
    IF v_pass IS NULL THEN
        INSERT INTO pass (plan_id, client_id, name, kind)
        VALUES (l.id, u.client_id, l.name, l.kind) RETURNING id INTO v_pass;
        UPDATE purchase SET pass_id = v_pass WHERE id = u.id;
    END IF;
    SELECT greatest(now(), max(ends_at)) INTO v_from FROM pass_period
    WHERE pass_id = v_pass AND state = 'open';
    v_from := coalesce(v_from, now());
    INSERT INTO pass_period (pass_id, payment_id, client_id, currency, credits, price_centavos,
                             starts_at, ends_at)
    VALUES (v_pass, p.id, u.client_id, p.currency, l.credits, p.amount_centavos, v_from,
            v_from + make_interval(days => l.days));
    PERFORM ledger_post(p_actor, 'pass.sold', p.currency,
        jsonb_build_object('kind', 'pass', 'id', v_pass), 'pass:' || p.id, jsonb_build_array(
            ledger_part('deposits', p.amount_centavos, u.client_id),
            ledger_part('packages', -p.amount_centavos, u.client_id)));
    PERFORM audit_record(p_actor, 'pass.sold', 'pass', v_pass::text, jsonb_build_object(
        'plan_id', l.id, 'credits', l.credits, 'amount_centavos', p.amount_centavos));
END $$;

-- {plan_id, client_id, pass_id? (a membership that goes on), method, reference?}; online the payment
-- is open for p_minutes, by hand it is there.
CREATE OR REPLACE FUNCTION pass_sell(
    p_actor jsonb, p_policies jsonb, p_request jsonb, p_currency text, p_minutes integer,
    p_key jsonb
) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    v_answer jsonb := idempotency_begin(p_key);
    v_hand CONSTANT boolean := p_request->>'method' <> 'mercado_pago';
    l plan;
    p payment;
    v_client CONSTANT uuid := coalesce(p_actor->>'only_client', p_request->>'client_id')::uuid;
    v_purchase uuid;
BEGIN
    IF v_answer IS NOT NULL THEN
        RETURN v_answer;
    END IF;
    SELECT * INTO l FROM plan WHERE id = (p_request->>'plan_id')::uuid AND active
        AND (online OR (p_actor->>'staff')::boolean);
    IF NOT FOUND THEN
        PERFORM refuse('not_found', 'There is no such plan.', 'plan_id');
    END IF;
    IF v_client IS NULL OR NOT EXISTS (SELECT FROM client WHERE id = v_client) THEN
        PERFORM refuse('not_found', 'There is no such client.', 'client_id');
    END IF;
    IF p_request->>'pass_id' IS NOT NULL AND NOT EXISTS (
        SELECT FROM pass WHERE id = (p_request->>'pass_id')::uuid AND client_id = v_client
        AND plan_id = l.id AND kind = 'membership') THEN
        PERFORM refuse('not_found', 'There is no such membership.', 'pass_id');
    END IF;
    INSERT INTO purchase (plan_id, pass_id, client_id)
    VALUES (l.id, (p_request->>'pass_id')::uuid, v_client) RETURNING id INTO v_purchase;
    INSERT INTO payment (purchase_id, client_id, method, currency, amount_centavos, state,
        received_centavos, paid_at, receipt_number, reference, expires_at, next_check_at, recorded_by)
    VALUES (v_purchase, v_client, p_request->>'method', p_currency, l.price_centavos,
        CASE WHEN v_hand THEN 'approved' ELSE 'pending' END,
        CASE WHEN v_hand THEN l.price_centavos ELSE 0 END, CASE WHEN v_hand THEN now() END,
        CASE WHEN v_hand THEN next_receipt() END, coalesce(p_request->>'reference', ''),
        CASE WHEN NOT v_hand THEN now() + make_interval(mins => p_minutes) END,
        CASE WHEN NOT v_hand THEN now() + interval '1 minute' END,
        (p_actor->>'kind') || ':' || coalesce(p_actor->>'id', ''))
    RETURNING * INTO p;
    IF v_hand THEN
        PERFORM payment_money(p_actor, p, 'payment.received', 'payment:' || p.id,
                              p.amount_centavos, true);
        PERFORM audit_record(p_actor, 'payment.recorded', 'payment', p.id::text, jsonb_build_object(
            'plan_id', l.id, 'method', p.method, 'amount_centavos', p.amount_centavos));
        PERFORM payment_approved(p_actor, p_policies, p.id);
    END IF;
    RETURN idempotency_end(p_key, 201, payment_body(p.id));
END $$;

-- Pays a booking with a credit of its client: of what pays the service and covers the day, the period
-- that ends first, one for each seat. A hold is confirmed by it. Answers the use; asking again answers the same one.
CREATE OR REPLACE FUNCTION pass_redeem(p_actor jsonb, p_policies jsonb, p_booking uuid, p_pass uuid)
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    b booking := booking_lock(p_actor, p_booking, NULL);
    v_period pass_period;
    v_use uuid;
BEGIN
    IF booking_covered(b.id) THEN
        RETURN pass_use_body(b.id);
    END IF;
    IF b.status = 'held' THEN
        -- says whom it is for, and keeps it
        PERFORM booking_for_payment(p_actor, p_booking, '{}', 30);
        SELECT * INTO b FROM booking WHERE id = p_booking;
    END IF;
    IF b.status NOT IN ('held', 'requested', 'confirmed', 'arrived') OR b.client_id IS NULL THEN
        PERFORM refuse('not_changeable', 'A booking that is ' || b.status
            || ' cannot be paid with a credit.');
    END IF;
    SELECT x.* INTO v_period
    FROM pass_period x JOIN pass s ON s.id = x.pass_id
    WHERE s.client_id = b.client_id AND x.state = 'open' AND x.taken + b.seats <= x.credits
      AND (p_pass IS NULL OR s.id = p_pass)
      AND b.starts_at >= x.starts_at AND b.starts_at < x.ends_at
      AND (NOT EXISTS (SELECT FROM plan_service WHERE plan_id = s.plan_id)
           OR EXISTS (SELECT FROM plan_service
                      WHERE plan_id = s.plan_id AND service_id = b.service_id))
    ORDER BY x.ends_at, x.id LIMIT 1 FOR UPDATE OF x;
    IF NOT FOUND THEN
        PERFORM refuse('no_credit', 'There is no credit for this service on this day.');
    END IF;
    UPDATE pass_period SET taken = taken + b.seats WHERE id = v_period.id;
    INSERT INTO pass_use (period_id, booking_id, state, credits)
    VALUES (v_period.id, b.id, 'taken', b.seats)
    RETURNING id INTO v_use;
    PERFORM audit_record(p_actor, 'pass.redeemed', 'pass', v_period.pass_id::text,
        jsonb_build_object('booking_id', b.id, 'use', v_use));
    PERFORM booking_confirm_if_paid(p_actor, p_policies, b.id);
    RETURN pass_use_body(b.id);
END $$;

CREATE OR REPLACE FUNCTION pass_use_body(p_booking uuid) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT jsonb_build_object('booking_id', u.booking_id, 'pass_id', x.pass_id, 'state', u.state,
        'left', x.credits - x.taken, 'ends_at', x.ends_at)
    FROM pass_use u JOIN pass_period x ON x.id = u.period_id
    WHERE u.booking_id = p_booking AND u.state <> 'returned'
$$;

-- What a booking's status does to its credit: it is earned when the client came or should have, and
-- given back when the booking is cancelled (clients can cancel only in time) or its hold expires.
CREATE OR REPLACE FUNCTION pass_follows_booking() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    u pass_use;
    x pass_period;
    v_wanted CONSTANT text := CASE
        WHEN NEW.status IN ('completed', 'no_show') OR NEW.late_charged THEN 'earned'
        WHEN NEW.status IN ('cancelled', 'expired') THEN 'returned' ELSE 'taken' END;
BEGIN
    SELECT * INTO u FROM pass_use WHERE booking_id = NEW.id AND state <> 'returned';
    IF NOT FOUND OR u.state = v_wanted THEN
        RETURN NULL;
    END IF;
    SELECT * INTO x FROM pass_period WHERE id = u.period_id FOR UPDATE;
    UPDATE pass_use SET state = v_wanted, updated_at = now() WHERE id = u.id;
    x.earned_uses := x.earned_uses
        + u.credits * CASE WHEN v_wanted = 'earned' THEN 1 WHEN u.state = 'earned' THEN -1
                                                 ELSE 0 END;
    UPDATE pass_period SET earned_uses = x.earned_uses,
        taken = taken - CASE WHEN v_wanted = 'returned' THEN u.credits ELSE 0 END WHERE id = x.id;
    IF x.state = 'open' THEN
        PERFORM pass_earn(x, x.price_centavos * x.earned_uses / x.credits, 'revenue',
            'pass.used', 'pass-use:' || u.id || ':' || NEW.version);
    END IF;
    RETURN NULL;
END $$;

-- before booking_charged, in the order of names: what is covered is not charged
CREATE OR REPLACE TRIGGER booking_a_pass AFTER UPDATE OF status ON booking
    FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status)
    EXECUTE FUNCTION pass_follows_booking();

-- Closes periods whose time is over; what was not used is earned. Uses that are still to come (moved
-- bookings) keep the period open until they end.
CREATE OR REPLACE FUNCTION pass_expire(p_limit integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    x pass_period;
    v_count integer := 0;
BEGIN
    FOR x IN SELECT * FROM pass_period p WHERE state = 'open' AND ends_at <= now()
             AND NOT EXISTS (SELECT FROM pass_use u WHERE u.period_id = p.id AND u.state = 'taken')
             ORDER BY id LIMIT p_limit FOR UPDATE SKIP LOCKED LOOP
        PERFORM pass_earn(x, x.price_centavos, 'packages-expired', 'pass.expired',
                          'pass-expired:' || x.id);
        UPDATE pass_period SET state = 'expired' WHERE id = x.id;
        v_count := v_count + 1;
    END LOOP;
    RETURN v_count;
END $$;

-- Also of money that went back at the provider without us.
CREATE OR REPLACE FUNCTION payment_went_back() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM payment_refunded('{"kind": "system", "id": ""}', NEW.id);
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER payment_went_back AFTER UPDATE OF refunded_centavos ON payment
    FOR EACH ROW WHEN (NEW.purchase_id IS NOT NULL
                       AND NEW.refunded_centavos > OLD.refunded_centavos)
    EXECUTE FUNCTION payment_went_back();

CREATE OR REPLACE VIEW pass_document AS
SELECT s.id, s.client_id, s.created_at, jsonb_build_object(
    'id', s.id, 'plan_id', s.plan_id, 'client_id', s.client_id, 'name', s.name, 'kind', s.kind,
    'left', coalesce(sum(x.credits - x.taken) FILTER (
        WHERE x.state = 'open' AND x.starts_at <= now() AND x.ends_at > now()), 0),
    'coming', coalesce(sum(x.credits - x.taken) FILTER (
        WHERE x.state = 'open' AND x.starts_at > now()), 0),
    'ends_at', max(x.ends_at) FILTER (WHERE x.state = 'open'),
    'ended_at', s.ended_at, 'created_at', s.created_at) AS document
FROM pass s LEFT JOIN pass_period x ON x.pass_id = s.id
GROUP BY s.id;
