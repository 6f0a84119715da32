-- What payments do. Order of locks: booking, payment, payment at the provider, account, time.

CREATE OR REPLACE FUNCTION booking_account_lock(p_booking uuid, p_currency text)
RETURNS booking_account LANGUAGE plpgsql AS $$
DECLARE
    a booking_account;
BEGIN
    INSERT INTO booking_account (booking_id, currency, client_id)
    SELECT id, p_currency, client_id FROM booking WHERE id = p_booking
    ON CONFLICT (booking_id) DO NOTHING;
    UPDATE booking_account x SET client_id = b.client_id
    FROM booking b WHERE b.id = p_booking AND x.booking_id = p_booking AND x.client_id IS NULL
      AND x.paid = 0 AND x.gross = 0;
    SELECT * INTO a FROM booking_account WHERE booking_id = p_booking FOR UPDATE;
    RETURN a;
END $$;

-- Moves the account of a booking to p_next and writes the difference into the books; p_money is the
-- account that money came to or left (null if none moved).
CREATE OR REPLACE FUNCTION booking_account_move(
    p_actor jsonb, p_kind text, p_key text, p_money text, p_next booking_account
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    a CONSTANT booking_account := booking_account_lock(p_next.booking_id, p_next.currency);
    v_old CONSTANT bigint := a.paid - a.gross + a.adjusted;
    v_new CONSTANT bigint := p_next.paid - p_next.gross + p_next.adjusted;
BEGIN
    PERFORM ledger_post(p_actor, p_kind, a.currency,
        jsonb_build_object('kind', 'booking', 'id', a.booking_id), p_key, jsonb_build_array(
            ledger_part(coalesce(p_money, 'suspense'), p_next.paid - a.paid),
            ledger_part('deposits', greatest(v_old, 0) - greatest(v_new, 0), a.client_id),
            ledger_part('receivable', greatest(-v_new, 0) - greatest(-v_old, 0), a.client_id),
            ledger_part(a.income, CASE WHEN a.income = p_next.income THEN a.gross - p_next.gross
                                       ELSE a.gross END),
            ledger_part(p_next.income, CASE WHEN a.income = p_next.income THEN 0
                                            ELSE -p_next.gross END),
            ledger_part('refunds', p_next.adjusted - a.adjusted)));
    UPDATE booking_account SET paid = p_next.paid, gross = p_next.gross,
        adjusted = p_next.adjusted, income = p_next.income WHERE booking_id = a.booking_id;
END $$;

CREATE OR REPLACE FUNCTION money_account(p_method text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE p_method WHEN 'cash' THEN 'cash' WHEN 'transfer' THEN 'bank'
                         ELSE 'mercado-pago' END
$$;

-- Money of a payment that came (positive) or went back (negative). What is not for a booking, or not
-- counted for one, is held for the client; with nobody known, in suspense.
CREATE OR REPLACE FUNCTION payment_money(
    p_actor jsonb, p payment, p_kind text, p_key text, p_delta bigint, p_to_booking boolean,
    p_goodwill boolean DEFAULT true
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    a booking_account;
BEGIN
    IF p_to_booking AND p.visit_id IS NOT NULL THEN
        PERFORM visit_money(p_actor, p, p_kind, p_key, p_delta, p_goodwill);
        RETURN;
    END IF;
    IF p_to_booking AND p.booking_id IS NOT NULL THEN
        a := booking_account_lock(p.booking_id, p.currency);
        IF p_delta < 0 AND p_goodwill THEN
            -- what was charged already is charged less; the rest comes off the deposit
            a.adjusted := a.adjusted
                + least(-p_delta, a.gross - a.adjusted,
                        greatest(0, a.gross - a.adjusted - a.paid - p_delta));
        END IF;
        a.paid := a.paid + p_delta;
        PERFORM booking_account_move(p_actor, p_kind, p_key, money_account(p.method), a);
    ELSE
        PERFORM ledger_post(p_actor, p_kind, p.currency,
            jsonb_build_object('kind', 'payment', 'id', p.id), p_key, jsonb_build_array(
                ledger_part(money_account(p.method), p_delta),
                CASE WHEN p.client_id IS NULL THEN ledger_part('suspense', -p_delta)
                     ELSE ledger_part('deposits', -p_delta, p.client_id) END));
    END IF;
END $$;

CREATE OR REPLACE FUNCTION next_receipt() RETURNS bigint LANGUAGE sql AS $$
    UPDATE receipt_counter SET last = last + 1 RETURNING last
$$;

CREATE OR REPLACE FUNCTION booking_covered(p_booking uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM pass_use WHERE booking_id = p_booking AND state <> 'returned')
$$;

CREATE OR REPLACE FUNCTION booking_paid(p_booking uuid) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT coalesce((SELECT paid FROM booking_account WHERE booking_id = p_booking), 0)
$$;

-- No booking of a visitor is confirmed before its deposit is there.
CREATE OR REPLACE FUNCTION booking_needs_deposit() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    v_quote record;
BEGIN
    IF NEW.status <> 'confirmed' OR NEW.source IN ('staff', 'system', 'api') THEN
        RETURN NEW;
    END IF;
    IF TG_OP = 'UPDATE' THEN
        IF OLD.status <> 'held' THEN
            RETURN NEW;
        END IF;
        IF OLD.client_id IS DISTINCT FROM NEW.client_id THEN
            v_quote := deposit_quote(NEW.service_id, NEW.client_id, NEW.price_centavos);
            NEW.deposit_centavos := greatest(NEW.deposit_centavos, v_quote.deposit);
        END IF;
    END IF;
    IF NEW.deposit_centavos > 0 AND booking_paid(NEW.id) < NEW.deposit_centavos
       AND NOT booking_covered(NEW.id) THEN
        PERFORM refuse('deposit_required', 'A deposit of ' || NEW.deposit_centavos
            || ' centavos has to be paid first.', 'deposit_centavos');
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER booking_unpaid BEFORE INSERT OR UPDATE OF status ON booking
    FOR EACH ROW EXECUTE FUNCTION booking_needs_deposit();

-- What a change of status does to the account: a completed booking is charged, a missed one keeps
-- its deposit, as does one that its client cancelled late, any other is charged nothing. What was paid online for a cancelled one goes back.
CREATE OR REPLACE FUNCTION booking_charged() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    c_actor CONSTANT jsonb := '{"kind": "system", "id": ""}';
    a booking_account;
    p record;
BEGIN
    IF NEW.status IN ('completed', 'no_show') OR OLD.status IN ('completed', 'no_show')
       OR NEW.late_charged OR OLD.late_charged THEN
        a := booking_account_lock(NEW.id, coalesce(
            (SELECT currency FROM payment WHERE booking_id = NEW.id LIMIT 1), 'ARS'));
        a.adjusted := 0;
        a.income := CASE WHEN NEW.status = 'no_show' OR NEW.late_charged THEN 'deposits-kept'
                         ELSE 'revenue' END;
        a.gross := CASE WHEN NEW.status = 'no_show' OR NEW.late_charged THEN a.paid
                        WHEN NEW.status = 'completed' AND NOT booking_covered(NEW.id)
                        THEN NEW.price_centavos ELSE 0 END;
        PERFORM booking_account_move(c_actor, 'booking.' || NEW.status,
            'booking:' || NEW.id || ':' || NEW.version, NULL, a);
    END IF;
    IF NEW.status = 'cancelled' AND NOT NEW.late_charged
       OR NEW.status = 'expired' AND OLD.status = 'requested' THEN
        FOR p IN SELECT m.id, m.payment_id, m.received_centavos - m.reversed_centavos AS rest
                 FROM mercado_pago_payment m JOIN payment x ON x.id = m.payment_id
                 WHERE x.booking_id = NEW.id AND x.visit_id IS NULL AND m.allocated
                   AND m.received_centavos > m.reversed_centavos LOOP
            PERFORM refund_add(c_actor, p.payment_id, p.id, p.rest, 'cancelled', '');
        END LOOP;
        PERFORM visit_refund_line(c_actor, NEW.id);
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER booking_charged AFTER UPDATE OF status ON booking
    FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION booking_charged();

-- Notes a refund at the provider, unless as much is on its way already.
CREATE OR REPLACE FUNCTION refund_add(
    p_actor jsonb, p_payment uuid, p_provider text, p_amount bigint, p_kind text, p_reason text
) RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE
    v_left bigint;
    v_id uuid;
BEGIN
    SELECT m.received_centavos - m.reversed_centavos - coalesce((
               SELECT sum(r.amount_centavos) FROM refund r
               WHERE r.provider_payment = m.id AND r.state = 'pending'), 0)
    INTO v_left FROM mercado_pago_payment m WHERE m.id = p_provider FOR UPDATE;
    IF v_left <= 0 OR (p_kind = 'asked' AND p_amount > v_left) THEN
        RETURN NULL;
    END IF;
    INSERT INTO refund (payment_id, provider_payment, amount_centavos, kind, reason, asked_by)
    VALUES (p_payment, p_provider, least(p_amount, v_left), p_kind, p_reason,
            (p_actor->>'kind') || ':' || coalesce(p_actor->>'id', ''))
    RETURNING id INTO v_id;
    PERFORM audit_record(p_actor, 'refund.asked', 'payment', p_payment::text,
        jsonb_build_object('refund', v_id, 'amount_centavos', least(p_amount, v_left),
                           'kind', p_kind));
    RETURN v_id;
END $$;

CREATE OR REPLACE VIEW payment_document AS
SELECT p.id, p.booking_id, p.client_id, p.created_at, jsonb_build_object(
    'id', p.id, 'booking_id', p.booking_id, 'purchase_id', p.purchase_id,
    'client_id', p.client_id, 'method', p.method,
    'currency', p.currency, 'amount_centavos', p.amount_centavos, 'state', p.state,
    'received_centavos', p.received_centavos, 'refunded_centavos', p.refunded_centavos,
    'refunding_centavos', coalesce((SELECT sum(r.amount_centavos) FROM refund r
        WHERE r.payment_id = p.id AND r.state = 'pending'), 0),
    'refund_failed', EXISTS (SELECT FROM refund r
        WHERE r.payment_id = p.id AND r.state = 'failed'),
    'reference', p.reference, 'checkout_url', p.checkout_url, 'expires_at', p.expires_at,
    'receipt_number', p.receipt_number, 'created_at', p.created_at, 'paid_at', p.paid_at,
    'client_name', c.name, 'booking_code', b.code) AS document
FROM payment p
LEFT JOIN client c ON c.id = p.client_id
LEFT JOIN booking b ON b.id = p.booking_id;

CREATE OR REPLACE FUNCTION payment_body(p_id uuid) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT document FROM payment_document WHERE id = p_id);
END $$;

-- Whom a booking is for, and until when its time is kept while it is paid for: p_minutes from now,
-- never beyond an hour after it was made. The deposit is worked out anew for who it is for.
CREATE OR REPLACE FUNCTION booking_for_payment(
    p_actor jsonb, p_booking uuid, p_request jsonb, p_minutes integer
) RETURNS booking LANGUAGE plpgsql AS $$
DECLARE
    b booking := booking_lock(p_actor, p_booking, NULL);
    v_quote record;
    v_until timestamptz;
BEGIN
    IF b.visit_id IS NOT NULL THEN
        RETURN visit_for_payment(p_actor, b.visit_id, p_request, p_minutes);
    END IF;
    IF b.status IN ('requested', 'confirmed', 'arrived', 'completed', 'no_show') THEN
        RETURN b;
    END IF;
    PERFORM check_held(b);
    IF b.client_id IS NULL THEN
        b.client_id := booking_client(p_actor, p_request);
        b.note := coalesce(p_request->>'note', '');
        b.contact := booking_contact(p_actor, p_request);
        IF b.source NOT IN ('staff', 'system', 'api') THEN
            v_quote := deposit_quote(b.service_id, b.client_id, b.price_centavos);
            b.deposit_centavos := greatest(b.deposit_centavos, v_quote.deposit);
        END IF;
    END IF;
    v_until := least(now() + make_interval(mins => p_minutes), b.created_at + interval '60 minutes');
    IF greatest(v_until, b.hold_expires_at) < now() + interval '3 minutes' THEN
        PERFORM refuse('hold_expired', 'The time is no longer kept for you; choose again.');
    END IF;
    b.hold_expires_at := greatest(b.hold_expires_at, v_until);
    UPDATE booking SET client_id = b.client_id, contact = b.contact, note = b.note,
        version = version + 1,
        deposit_centavos = b.deposit_centavos, hold_expires_at = b.hold_expires_at,
        updated_at = now() WHERE id = b.id;
    UPDATE occupancy SET expires_at = b.hold_expires_at WHERE booking_id = b.id;
    RETURN b;
END $$;

-- A payment to be made online: {client?, note?, what: deposit | all}. One that is open for the same
-- amount is given again, so that a second click makes no second one.
CREATE OR REPLACE FUNCTION payment_begin(
    p_actor jsonb, p_booking uuid, p_request jsonb, p_currency text, p_minutes integer
) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    b CONSTANT booking := booking_for_payment(p_actor, p_booking, p_request, p_minutes);
    v_due CONSTANT bigint := owed(b, p_request->>'what');
    v_id uuid;
BEGIN
    IF v_due <= 0 THEN
        PERFORM refuse('nothing_due', 'There is nothing to pay.');
    END IF;
    SELECT id INTO v_id FROM payment
    WHERE (booking_id = b.id OR visit_id = b.visit_id) AND method = 'mercado_pago'
      AND state = 'pending' AND amount_centavos = v_due AND expires_at > now() + interval '1 minute'
    ORDER BY id DESC LIMIT 1;
    IF NOT FOUND THEN
        INSERT INTO payment (booking_id, visit_id, client_id, method, currency, amount_centavos,
                             state, expires_at, next_check_at, recorded_by)
        VALUES (b.id, b.visit_id, b.client_id, 'mercado_pago', p_currency, v_due, 'pending',
                coalesce(b.hold_expires_at - interval '1 minute',
                         now() + make_interval(mins => p_minutes)),
                now() + interval '1 minute',
                (p_actor->>'kind') || ':' || coalesce(p_actor->>'id', ''))
        RETURNING id INTO v_id;
        PERFORM audit_record(p_actor, 'payment.begun', 'payment', v_id::text,
            jsonb_build_object('booking_id', b.id, 'amount_centavos', v_due));
    END IF;
    RETURN payment_body(v_id);
END $$;

-- Marks a payment as received, with its receipt's number.
CREATE OR REPLACE FUNCTION payment_approve(p_payment uuid, p_received bigint) RETURNS void
LANGUAGE sql AS $$
    UPDATE payment SET state = 'approved', paid_at = coalesce(paid_at, now()),
        received_centavos = received_centavos + p_received, next_check_at = NULL,
        receipt_number = coalesce(receipt_number, next_receipt())
    WHERE id = p_payment
$$;

-- Cash or a transfer that reception received: {method, amount_centavos, reference, client?, note?}.
CREATE OR REPLACE FUNCTION payment_record(
    p_actor jsonb, p_policies jsonb, p_booking uuid, p_request jsonb, p_currency text, p_key jsonb
) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    v_answer jsonb := idempotency_begin(p_key);
    b booking;
    p payment;
    v_due bigint;
BEGIN
    IF v_answer IS NOT NULL THEN
        RETURN v_answer;
    END IF;
    b := booking_for_payment(p_actor, p_booking, p_request, 30);
    v_due := owed(b, 'all');
    IF (p_request->>'amount_centavos')::bigint > v_due THEN
        PERFORM refuse('more_than_due', 'Only ' || greatest(v_due, 0) || ' centavos are due.',
                       'amount_centavos');
    END IF;
    INSERT INTO payment (booking_id, visit_id, client_id, method, currency, amount_centavos, state,
        paid_at, received_centavos, receipt_number, reference, recorded_by)
    VALUES (b.id, b.visit_id, b.client_id, p_request->>'method', p_currency,
        (p_request->>'amount_centavos')::bigint, 'approved', now(),
        (p_request->>'amount_centavos')::bigint, next_receipt(),
        coalesce(p_request->>'reference', ''),
        (p_actor->>'kind') || ':' || coalesce(p_actor->>'id', ''))
    RETURNING * INTO p;
    PERFORM payment_money(p_actor, p, 'payment.received', 'payment:' || p.id, p.amount_centavos, true);
    PERFORM audit_record(p_actor, 'payment.recorded', 'payment', p.id::text, jsonb_build_object(
        'booking_id', b.id, 'method', p.method, 'amount_centavos', p.amount_centavos));
    PERFORM booking_confirm_if_paid(p_actor, p_policies, b.id);
    RETURN idempotency_end(p_key, 201, payment_body(p.id));
END $$;

-- Confirms a hold whose deposit is there by now.
CREATE OR REPLACE FUNCTION booking_confirm_if_paid(p_actor jsonb, p_policies jsonb, p_booking uuid)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    b booking;
BEGIN
    SELECT * INTO b FROM booking WHERE id = p_booking;
    IF b.visit_id IS NOT NULL THEN
        PERFORM visit_confirm_if_paid(p_actor, p_policies, b.visit_id);
    ELSIF b.status = 'held' AND b.client_id IS NOT NULL
       AND (booking_paid(b.id) >= b.deposit_centavos OR booking_covered(b.id)) THEN
        PERFORM booking_confirm(
            (p_actor - 'only_client' - 'only_provider') || '{"staff": true}'::jsonb, p_policies,
            b.id, jsonb_build_object('client_id', b.client_id, 'note', b.note), NULL);
    END IF;
END $$;

-- Keeps the time of a hold again whose time was over when its payment came; false if it is gone.
CREATE OR REPLACE FUNCTION booking_hold_again(p_booking uuid) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    b booking;
    c_until CONSTANT timestamptz := now() + interval '1 minute';
BEGIN
    SELECT * INTO b FROM booking WHERE id = p_booking;
    IF b.visit_id IS NOT NULL THEN
        RETURN visit_hold_again(b.visit_id, c_until);
    END IF;
    IF b.status NOT IN ('held', 'expired') OR b.starts_at <= now() THEN
        RETURN false;
    END IF;
    IF b.status = 'held' AND b.hold_expires_at > now() THEN
        RETURN true;
    END IF;
    IF EXISTS (SELECT FROM time_off t WHERE t.period && tstzrange(b.starts_at, b.ends_at)
               AND (t.provider_id = b.provider_id OR t.location_id = b.location_id)) THEN
        RETURN false;
    END IF;
    BEGIN
        IF b.status = 'expired' THEN
            IF b.session_id IS NOT NULL AND NOT session_takes_back(b, false) THEN
                RETURN false;
            END IF;
            PERFORM booking_occupy_again(b, c_until);
        END IF;
        UPDATE occupancy SET expires_at = c_until WHERE booking_id = b.id;
        UPDATE booking SET status = 'held', hold_expires_at = c_until, version = version + 1,
            updated_at = now() WHERE id = b.id;
        RETURN true;
    EXCEPTION WHEN exclusion_violation THEN
        RETURN false;
    END;
END $$;

-- Takes in a payment as it was just read at Mercado Pago: {id, reference, status, currency, amount,
-- reversed, fee, last_change}. Safe to repeat and to run at once; what is older than what is known
-- changes nothing. Answers what it did.
CREATE OR REPLACE FUNCTION mercado_pago_apply(p_actor jsonb, p_policies jsonb, p_facts jsonb)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_status CONSTANT text := p_facts->>'status';
    v_came CONSTANT boolean := v_status IN ('approved', 'in_mediation', 'refunded', 'charged_back');
    v_amount CONSTANT bigint := (p_facts->>'amount')::bigint;
    p payment;
    m mercado_pago_payment;
    v_reversed bigint;
    v_why text;
BEGIN
    SELECT * INTO p FROM payment WHERE id::text = p_facts->>'reference'
        AND method = 'mercado_pago';
    IF NOT FOUND THEN
        RETURN 'not_ours';
    END IF;
    PERFORM payment_parents_lock(p);
    SELECT * INTO p FROM payment WHERE id = p.id FOR UPDATE;
    INSERT INTO mercado_pago_payment (id, payment_id, status, currency, amount_centavos, last_change)
    VALUES (p_facts->>'id', p.id, v_status, p_facts->>'currency', v_amount,
            (p_facts->>'last_change')::timestamptz)
    ON CONFLICT (id) DO NOTHING;
    SELECT * INTO m FROM mercado_pago_payment WHERE id = p_facts->>'id' FOR UPDATE;
    IF m.payment_id <> p.id OR (p_facts->>'last_change')::timestamptz < m.last_change THEN
        RETURN 'stale';
    END IF;
    UPDATE mercado_pago_payment SET status = v_status, seen_at = now(),
        last_change = (p_facts->>'last_change')::timestamptz WHERE id = m.id;
    IF NOT v_came THEN
        RETURN v_status;
    END IF;
    IF m.received_centavos = 0 THEN
        v_why := mercado_pago_receive(p_actor, p_policies, p, m, (p_facts->>'fee')::bigint);
    END IF;
    -- a charged-back payment is gone whole, also where the figure of refunds does not say so
    v_reversed := least(v_amount, CASE v_status WHEN 'charged_back' THEN v_amount
                                                ELSE (p_facts->>'reversed')::bigint END);
    SELECT * INTO m FROM mercado_pago_payment WHERE id = m.id;
    IF v_reversed > m.reversed_centavos THEN
        PERFORM mercado_pago_reverse(p_actor, p, m, v_reversed, v_status = 'charged_back');
    END IF;
    RETURN coalesce(v_why, v_status);
END $$;

-- The first time that money is seen: to what it was asked for, or back.
CREATE OR REPLACE FUNCTION mercado_pago_receive(
    p_actor jsonb, p_policies jsonb, p payment, m mercado_pago_payment, p_fee bigint
) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_problem text;
    v_allocated boolean;
    b booking;
BEGIN
    SELECT * INTO b FROM booking WHERE id = coalesce(visit_lead(p.visit_id), p.booking_id);
    v_problem := CASE
        WHEN m.amount_centavos <> p.amount_centavos OR m.currency <> p.currency THEN 'mismatch'
        WHEN p.state = 'approved' THEN 'surplus'
        WHEN b.id IS NULL THEN NULL
        WHEN b.status = 'cancelled' THEN 'late'
        WHEN m.amount_centavos > owed(b, 'all') THEN 'surplus'
        WHEN b.status IN ('held', 'expired') AND NOT booking_hold_again(b.id) THEN 'late' END;
    v_allocated := v_problem IS NULL;
    UPDATE mercado_pago_payment SET received_centavos = m.amount_centavos, fee_centavos = p_fee,
        allocated = v_allocated WHERE id = m.id;
    IF m.currency <> p.currency THEN
        p.currency := m.currency;
        p.client_id := NULL;
    END IF;
    PERFORM payment_money(p_actor, p, 'payment.received', 'mercado-pago:' || m.id,
                          m.amount_centavos, v_allocated);
    PERFORM ledger_post(p_actor, 'payment.fee', m.currency,
        jsonb_build_object('kind', 'payment', 'id', p.id), 'mercado-pago-fee:' || m.id,
        jsonb_build_array(ledger_part('fees', p_fee), ledger_part('mercado-pago', -p_fee)));
    PERFORM audit_record(p_actor, 'payment.received', 'payment', p.id::text, jsonb_strip_nulls(
        jsonb_build_object('provider_payment', m.id, 'amount_centavos', m.amount_centavos,
                           'problem', v_problem)));
    IF v_allocated THEN
        PERFORM payment_approve(p.id, m.amount_centavos);
        PERFORM payment_approved(p_actor, p_policies, p.id);
        RETURN 'allocated';
    END IF;
    PERFORM refund_add(p_actor, p.id, m.id, m.amount_centavos, v_problem, '');
    IF b.client_id IS NOT NULL AND v_problem = 'late' THEN
        PERFORM tell_of_refund(p, b, m.amount_centavos, m.id);
    ELSIF b.client_id IS NOT NULL AND v_problem = 'surplus' THEN
        PERFORM tell_of_surplus(p, b, m.amount_centavos, m.id);
    END IF;
    RETURN v_problem;
END $$;

-- Tells the client that money goes back; `p_key` is what it is told of, once.
CREATE OR REPLACE FUNCTION tell_of_money_back(
    p_kind text, p payment, b booking, p_amount bigint, p_key text
) RETURNS void LANGUAGE sql AS $$
    INSERT INTO message (kind, recipient, locale, payload, dedupe_key)
    SELECT p_kind, c.email, c.locale, jsonb_build_object('name', c.name,
               'centavos', p_amount, 'currency', p.currency, 'code', b.code),
           p_kind || ':' || p_key
    FROM client c WHERE c.id = b.client_id AND c.email IS NOT NULL
    ON CONFLICT (dedupe_key) DO NOTHING
$$;

CREATE OR REPLACE FUNCTION tell_of_refund(p payment, b booking, p_amount bigint, p_key text) RETURNS void
LANGUAGE sql AS $$
    SELECT tell_of_money_back('payment_refunded', p, b, p_amount, p_key)
$$;

-- More came than was owed: paid twice, or a reward lowered the price while the page to pay was open.
CREATE OR REPLACE FUNCTION tell_of_surplus(p payment, b booking, p_amount bigint, p_key text) RETURNS void
LANGUAGE sql AS $$
    SELECT tell_of_money_back('payment_surplus', p, b, p_amount, p_key)
$$;

CREATE OR REPLACE FUNCTION payment_approved(p_actor jsonb, p_policies jsonb, p_payment uuid)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    p payment;
BEGIN
    SELECT * INTO p FROM payment WHERE id = p_payment;
    IF p.purchase_id IS NOT NULL THEN
        PERFORM pass_open(p_actor, p);
    END IF;
    IF p.booking_id IS NOT NULL THEN
        PERFORM booking_confirm_if_paid(p_actor, p_policies, p.booking_id);
    END IF;
END $$;

-- Money that went back at the provider, by whomever.
CREATE OR REPLACE FUNCTION mercado_pago_reverse(
    p_actor jsonb, p payment, m mercado_pago_payment, p_reversed bigint, p_chargeback boolean
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_delta CONSTANT bigint := p_reversed - m.reversed_centavos;
    v_done bigint := p_reversed;
    r refund;
BEGIN
    UPDATE mercado_pago_payment SET reversed_centavos = p_reversed WHERE id = m.id;
    IF m.currency <> p.currency THEN
        p.currency := m.currency;
        p.client_id := NULL;
    END IF;
    PERFORM payment_money(p_actor, p,
        CASE WHEN p_chargeback THEN 'payment.charged_back' ELSE 'payment.refunded' END,
        'mercado-pago:' || m.id || ':' || p_reversed, -v_delta, m.allocated, NOT p_chargeback);
    IF m.allocated THEN
        UPDATE payment SET refunded_centavos = refunded_centavos + v_delta WHERE id = p.id;
    END IF;
    PERFORM audit_record(p_actor, CASE WHEN p_chargeback THEN 'payment.charged_back'
        ELSE 'payment.refunded' END, 'payment', p.id::text,
        jsonb_build_object('provider_payment', m.id, 'amount_centavos', v_delta));
    -- the refunds that this was, oldest first
    v_done := v_done - coalesce((SELECT sum(amount_centavos) FROM refund
        WHERE provider_payment = m.id AND state = 'done'), 0);
    FOR r IN SELECT * FROM refund WHERE provider_payment = m.id AND state <> 'done' ORDER BY id LOOP
        EXIT WHEN r.amount_centavos > v_done;
        v_done := v_done - r.amount_centavos;
        UPDATE refund SET state = 'done', done_at = now(), last_error = NULL WHERE id = r.id;
    END LOOP;
END $$;

-- Gives money back: {amount_centavos or null for all that is left, reason}. What was paid by hand is
-- given back by hand, at once; what was paid online waits for the provider.
CREATE OR REPLACE FUNCTION refund_ask(p_actor jsonb, p_payment uuid, p_request jsonb, p_key jsonb)
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    v_answer jsonb := idempotency_begin(p_key);
    p payment;
    v_left bigint;
    v_amount bigint;
    v_provider text;
    v_id uuid;
BEGIN
    IF v_answer IS NOT NULL THEN
        RETURN v_answer;
    END IF;
    SELECT * INTO p FROM payment WHERE id = p_payment;
    IF NOT FOUND THEN
        PERFORM refuse('not_found', 'There is no such payment.');
    END IF;
    PERFORM payment_parents_lock(p);
    SELECT * INTO p FROM payment WHERE id = p_payment FOR UPDATE;
    v_left := p.received_centavos - p.refunded_centavos - coalesce((SELECT sum(r.amount_centavos)
        FROM refund r JOIN mercado_pago_payment m ON m.id = r.provider_payment AND m.allocated
        WHERE r.payment_id = p.id AND r.state = 'pending'), 0) - payment_spent(p.id);
    v_amount := coalesce((p_request->>'amount_centavos')::bigint, v_left);
    IF v_left <= 0 OR v_amount > v_left THEN
        PERFORM refuse('more_than_paid', 'Only ' || greatest(v_left, 0)
            || ' centavos are left to give back.', 'amount_centavos');
    END IF;
    IF p.method = 'mercado_pago' THEN
        SELECT id INTO v_provider FROM mercado_pago_payment
        WHERE payment_id = p.id AND allocated LIMIT 1;
        v_id := refund_add(p_actor, p.id, v_provider, v_amount, 'asked', p_request->>'reason');
    ELSE
        INSERT INTO refund (payment_id, amount_centavos, kind, reason, state, done_at, asked_by)
        VALUES (p.id, v_amount, 'asked', p_request->>'reason', 'done', now(),
                (p_actor->>'kind') || ':' || coalesce(p_actor->>'id', '')) RETURNING id INTO v_id;
        UPDATE payment SET refunded_centavos = refunded_centavos + v_amount WHERE id = p.id;
        PERFORM payment_money(p_actor, p, 'payment.refunded', 'refund:' || v_id, -v_amount, true);
        PERFORM audit_record(p_actor, 'payment.refunded', 'payment', p.id::text,
            jsonb_build_object('refund', v_id, 'amount_centavos', v_amount));
    END IF;
    PERFORM payment_refunded(p_actor, p.id);
    RETURN idempotency_end(p_key, 201, payment_body(p.id));
END $$;

-- Of a sold pass only what was not taken can be given back; then its credits are gone.
CREATE OR REPLACE FUNCTION payment_spent(p_payment uuid) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT coalesce((SELECT CASE WHEN x.state <> 'open' THEN p.received_centavos - p.refunded_centavos
                ELSE x.price_centavos * x.taken / x.credits END
        FROM pass_period x JOIN payment p ON p.id = x.payment_id
        WHERE x.payment_id = p_payment), 0)
$$;

-- A refund of a sold pass takes the credits that nobody took: the client is owed money then, not
-- credits. What is taken stays worth what was not given back, so that all of it is earned in the end.
CREATE OR REPLACE FUNCTION payment_refunded(p_actor jsonb, p_payment uuid) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    p payment;
    x pass_period;
    v_back bigint;
BEGIN
    SELECT * INTO p FROM payment WHERE id = p_payment;
    SELECT * INTO x FROM pass_period WHERE payment_id = p_payment AND state = 'open' FOR UPDATE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    v_back := p.refunded_centavos + coalesce((SELECT sum(r.amount_centavos) FROM refund r
        WHERE r.payment_id = p.id AND r.state = 'pending'), 0)
        - (p.amount_centavos - x.price_centavos);
    -- more than that may go back at the provider (a chargeback): the client owes it then
    v_back := greatest(0, least(v_back, x.price_centavos
        - x.price_centavos * x.taken / x.credits));
    IF v_back = 0 THEN
        RETURN;
    END IF;
    PERFORM ledger_post(p_actor, 'pass.refunded', x.currency,
        jsonb_build_object('kind', 'pass', 'id', x.pass_id),
        'pass-refunded:' || x.id || ':' || (x.price_centavos - v_back), jsonb_build_array(
            ledger_part('packages', v_back, x.client_id),
            ledger_part('deposits', -v_back, x.client_id)));
    x.price_centavos := x.price_centavos - v_back;
    UPDATE pass_period SET price_centavos = x.price_centavos,
        credits = CASE WHEN taken > 0 THEN taken ELSE credits END WHERE id = x.id;
    IF x.taken > 0 THEN
        PERFORM pass_earn(x, x.price_centavos * x.earned_uses / x.taken, 'revenue', 'pass.used',
                          'pass-worth:' || x.id || ':' || x.price_centavos);
    ELSE
        PERFORM pass_earn(x, x.price_centavos, 'packages-expired', 'pass.expired',
                          'pass-expired:' || x.id);
        UPDATE pass_period SET state = 'refunded' WHERE id = x.id;
    END IF;
    PERFORM audit_record(p_actor, 'pass.refunded', 'pass', x.pass_id::text,
        jsonb_build_object('amount_centavos', v_back));
END $$;
