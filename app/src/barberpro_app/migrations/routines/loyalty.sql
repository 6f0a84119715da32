-- Loyalty: what earns a stamp, what takes it away, what a full card gives.

-- Stamps are in the books too, as units of the currency PTS: what is owed is what is active.
CREATE OR REPLACE FUNCTION loyalty_booked() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    v_delta CONSTANT integer := (NEW.state = 'active')::integer
        - CASE WHEN TG_OP = 'UPDATE' THEN (OLD.state = 'active')::integer ELSE 0 END;
BEGIN
    IF v_delta <> 0 THEN
        NEW.moves := NEW.moves + 1;
        PERFORM ledger_post('{"kind": "system", "id": ""}'::jsonb,
            'loyalty.' || CASE WHEN v_delta > 0 THEN 'earned' ELSE NEW.state END, 'PTS',
            jsonb_build_object('kind', CASE WHEN NEW.booking_id IS NULL THEN 'loyalty_stamp'
                ELSE 'booking' END, 'id', coalesce(NEW.booking_id, NEW.id)),
            'loyalty:' || NEW.rule_id || ':' || coalesce(NEW.booking_id, NEW.id) || ':'
                || NEW.moves || CASE WHEN NEW.number > 1 THEN '.' || NEW.number ELSE '' END,
            jsonb_build_array(ledger_part('points-granted', v_delta),
                              ledger_part('points', -v_delta, NEW.client_id)));
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER loyalty_booked BEFORE INSERT OR UPDATE ON loyalty_stamp
    FOR EACH ROW EXECUTE FUNCTION loyalty_booked();

-- How often a client came within a year; several services in one visit are one time.
CREATE OR REPLACE FUNCTION loyalty_visits(p_client uuid) RETURNS integer LANGUAGE sql STABLE AS $$
    SELECT count(DISTINCT coalesce(visit_id, id))::integer FROM booking
    WHERE client_id = p_client AND status = 'completed' AND starts_at > now() - interval '1 year'
$$;

-- How many stamps the client's level gives for one.
CREATE OR REPLACE FUNCTION loyalty_factor(p_client uuid) RETURNS integer LANGUAGE sql STABLE AS $$
    SELECT coalesce((SELECT stamps::integer FROM loyalty_level
                     WHERE visits <= loyalty_visits(p_client) ORDER BY visits DESC LIMIT 1), 1)
$$;

-- A completed booking gives its stamps under each rule once, however often it is completed; corrected,
-- they are taken back unless they are spent already. A reward of a booking that does not take place is
-- given back. A stamp is good until the end of its last day in the zone of the shop.
CREATE OR REPLACE FUNCTION loyalty_counted() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    w loyalty_reward;
BEGIN
    IF NEW.status = 'completed' THEN
        INSERT INTO loyalty_stamp (rule_id, booking_id, client_id, number, state, expires_at)
        SELECT r.id, NEW.id, NEW.client_id, n, 'active',
               ((NEW.starts_at AT TIME ZONE NEW.zone)::date + r.valid_days + 1)::timestamp
                   AT TIME ZONE NEW.zone
        FROM loyalty_rule r, generate_series(1, least(50, loyalty_factor(NEW.client_id)
             * coalesce(NEW.price_centavos / r.per_centavos, 1))::integer) n
        WHERE r.active AND (r.service_id IS NULL OR r.service_id = NEW.service_id)
          AND NOT EXISTS (SELECT FROM loyalty_reward x WHERE x.booking_id = NEW.id
                                                         AND x.rule_id = r.id)
        ON CONFLICT (rule_id, booking_id, number) DO UPDATE SET state = 'active'
        WHERE loyalty_stamp.state = 'taken_back';
    ELSIF OLD.status = 'completed' THEN
        UPDATE loyalty_stamp SET state = 'taken_back'
        WHERE booking_id = NEW.id AND state = 'active';
    END IF;
    IF NEW.status = 'cancelled' THEN
        DELETE FROM loyalty_reward WHERE booking_id = NEW.id RETURNING * INTO w;
        IF FOUND THEN
            UPDATE loyalty_stamp SET state = 'active', reward_id = NULL WHERE reward_id = w.id;
            UPDATE booking SET price_centavos = price_centavos + w.discount_centavos
            WHERE id = NEW.id;
        END IF;
    END IF;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER loyalty_counted AFTER UPDATE OF status ON booking
    FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION loyalty_counted();

-- Spends a card on a booking of its client; the discount, which is never more than what is left to
-- pay. Locks: booking, stamps oldest first.
CREATE OR REPLACE FUNCTION loyalty_redeem(p_actor jsonb, p_rule uuid, p_booking uuid)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    b booking;
    r loyalty_rule;
    v_reward CONSTANT uuid := uuidv7();
    v_stamps uuid[];
    v_discount bigint;
BEGIN
    SELECT * INTO b FROM booking WHERE id = p_booking FOR UPDATE;
    SELECT * INTO r FROM loyalty_rule WHERE id = p_rule;
    IF b.id IS NULL OR r.id IS NULL THEN
        PERFORM refuse('not_found', 'There is no such booking or rule.', 'booking_id');
    END IF;
    IF b.status NOT IN ('confirmed', 'arrived') OR b.client_id IS NULL
       OR (r.service_id IS NOT NULL AND r.service_id <> b.service_id)
       OR EXISTS (SELECT FROM loyalty_reward WHERE booking_id = p_booking) THEN
        PERFORM refuse('loyalty_not_here', 'A reward is for one confirmed visit.', 'booking_id');
    END IF;
    SELECT array_agg(id) INTO v_stamps FROM (
        SELECT id FROM loyalty_stamp
        WHERE client_id = b.client_id AND rule_id = p_rule AND state = 'active'
          AND expires_at > now()
        ORDER BY expires_at, id LIMIT r.stamps FOR UPDATE) s;
    IF coalesce(cardinality(v_stamps), 0) < r.stamps THEN
        PERFORM refuse('loyalty_stamps', 'The card is not full.', 'rule_id');
    END IF;
    v_discount := least(b.price_centavos * r.percent / 100, owed(b, 'one'));
    IF v_discount <= 0 THEN
        PERFORM refuse('loyalty_paid', 'Nothing of this visit is left to pay.', 'booking_id');
    END IF;
    INSERT INTO loyalty_reward (id, rule_id, booking_id, client_id, discount_centavos)
    VALUES (v_reward, p_rule, p_booking, b.client_id, v_discount);
    UPDATE loyalty_stamp SET state = 'spent', reward_id = v_reward
    WHERE id = ANY (v_stamps);
    UPDATE booking SET price_centavos = price_centavos - v_discount, version = version + 1,
        updated_at = now() WHERE id = p_booking;
    PERFORM audit_record(p_actor, 'loyalty.redeemed', 'booking', p_booking::text,
        jsonb_build_object('rule', p_rule, 'discount_centavos', v_discount));
    RETURN v_discount;
END $$;

-- A stamp that the front desk gives without a visit in the agenda; it is good as long as that of a
-- visit of today in the zone of the shop. Its key.
CREATE OR REPLACE FUNCTION loyalty_give(
    p_actor jsonb, p_rule uuid, p_client uuid, p_zone text, p_reason text
) RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE
    r loyalty_rule;
    v_id uuid;
BEGIN
    SELECT * INTO r FROM loyalty_rule WHERE id = p_rule AND active;
    IF NOT FOUND OR NOT EXISTS (SELECT FROM client WHERE id = p_client) THEN
        PERFORM refuse('not_found', 'There is no such rule or client.', 'rule_id');
    END IF;
    INSERT INTO loyalty_stamp (rule_id, client_id, state, expires_at, given_by, reason)
    VALUES (p_rule, p_client, 'active', ((now() AT TIME ZONE p_zone)::date + r.valid_days
            + 1)::timestamp AT TIME ZONE p_zone,
            (p_actor->>'kind') || ':' || (p_actor->>'id'), p_reason)
    RETURNING id INTO v_id;
    PERFORM audit_record(p_actor, 'loyalty.given', 'client', p_client::text,
        jsonb_build_object('rule', p_rule, 'stamp', v_id));
    RETURN v_id;
END $$;

-- Takes back a stamp that was given by hand; taken back already is no fault, spent or over it stays.
CREATE OR REPLACE FUNCTION loyalty_take_back(p_actor jsonb, p_client uuid, p_stamp uuid)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    s loyalty_stamp;
BEGIN
    SELECT * INTO s FROM loyalty_stamp WHERE id = p_stamp AND client_id = p_client
        AND booking_id IS NULL FOR UPDATE;
    IF NOT FOUND THEN
        PERFORM refuse('not_found', 'There is no such stamp given by hand.');
    ELSIF s.state = 'taken_back' THEN
        RETURN;
    ELSIF s.state <> 'active' THEN
        PERFORM refuse('loyalty_stamp_gone', 'The stamp is spent, or its time is over.');
    END IF;
    UPDATE loyalty_stamp SET state = 'taken_back' WHERE id = p_stamp;
    PERFORM audit_record(p_actor, 'loyalty.taken_back', 'client', p_client::text,
        jsonb_build_object('rule', s.rule_id, 'stamp', p_stamp));
END $$;
