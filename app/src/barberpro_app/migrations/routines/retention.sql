-- What is kept no longer than it serves (Ley 25.326 art. 4.7). What a law keeps is not here: clinical
-- records (Ley 26.529 art. 18), the books (Código Civil y Comercial art. 328), consents and the audit
-- trail, which prove what was done.

-- The owner's: months without the person until body data go, days that the queue of walk-ins is kept, months
-- that closed wishes of the waiting list are.
CREATE OR REPLACE FUNCTION retention_rules() RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT '{"body_months": 36, "walk_in_days": 30, "waiting_months": 12}'::jsonb
           || coalesce((SELECT value FROM settings_value WHERE key = 'retention'), '{}')
$$;

-- When somebody with body data was last here or used them; a booking to come is of the future.
CREATE OR REPLACE FUNCTION body_data_last_used(p_client uuid) RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT greatest(
        (SELECT max(starts_at) FROM booking WHERE client_id = p_client
         AND status NOT IN ('cancelled', 'expired')),
        (SELECT max(created_at) FROM measurement WHERE client_id = p_client),
        (SELECT max(created_at) FROM progress_goal WHERE client_id = p_client),
        (SELECT max(created_at) FROM activity_import WHERE client_id = p_client),
        (SELECT max(updated_at) FROM nutrition_profile WHERE client_id = p_client),
        (SELECT max(v.created_at) FROM nutrition_plan p JOIN nutrition_version v ON v.plan_id = p.id
         WHERE p.client_id = p_client))
$$;

CREATE OR REPLACE FUNCTION body_data_clients() RETURNS SETOF uuid LANGUAGE sql STABLE AS $$
    SELECT client_id FROM measurement UNION SELECT client_id FROM progress_goal
    UNION SELECT client_id FROM activity_import UNION SELECT client_id FROM nutrition_profile
    UNION SELECT client_id FROM nutrition_plan
$$;

-- Tells those whose time is nearly over, p_notice before; deletes the data of those whose time is over
-- and who were told so long ago, or cannot be told. {told, erased}. Consents stay, as evidence.
CREATE OR REPLACE FUNCTION body_data_age_out(p_months integer, p_notice interval, p_limit integer)
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    c_actor CONSTANT jsonb := '{"kind": "system", "id": "", "name": "retention"}';
    c record;
    v_told integer := 0;
    v_erased integer := 0;
BEGIN
    FOR c IN SELECT k.id, k.email, k.name, k.locale, k.body_data_warned_at AS warned_at, u.at
             FROM body_data_clients() x(id) JOIN client k ON k.id = x.id
             CROSS JOIN LATERAL (SELECT body_data_last_used(k.id) AS at) u
             WHERE u.at < now() - make_interval(months => p_months) + p_notice
               AND (k.email IS NULL OR k.body_data_warned_at IS NULL OR k.body_data_warned_at < u.at
                    OR k.body_data_warned_at <= now() - p_notice)
             ORDER BY u.at LIMIT p_limit LOOP
        -- whoever writes body data just now holds the record: what they add is seen after the lock
        PERFORM FROM client WHERE id = c.id FOR UPDATE;
        CONTINUE WHEN body_data_last_used(c.id) IS DISTINCT FROM c.at;
        IF c.email IS NOT NULL AND (c.warned_at IS NULL OR c.warned_at < c.at) THEN
            INSERT INTO message (kind, recipient, client_id, locale, payload, dedupe_key)
            VALUES ('body_data_ageing', c.email, c.id, c.locale, jsonb_build_object('name', c.name, 'day',
                        to_char(now() + p_notice, CASE WHEN c.locale LIKE 'en%' THEN 'YYYY-MM-DD'
                                                       ELSE 'DD/MM/YYYY' END)),
                    'body_data_ageing:' || c.id || ':' || now()::date)
            ON CONFLICT (dedupe_key) DO NOTHING;
            UPDATE client SET body_data_warned_at = now() WHERE id = c.id;
            v_told := v_told + 1;
        ELSIF c.at < now() - make_interval(months => p_months) THEN
            PERFORM body_data_forget(c.id, purpose)
            FROM unnest(ARRAY['activity_data', 'progress_data', 'nutrition_data']) AS purpose;
            UPDATE client SET body_data_warned_at = NULL WHERE id = c.id;
            PERFORM audit_record(c_actor, 'body_data.aged_out', 'client', c.id::text,
                jsonb_build_object('last_used', c.at, 'months', p_months));
            v_erased := v_erased + 1;
        END IF;
    END LOOP;
    RETURN jsonb_build_object('told', v_told, 'erased', v_erased);
END $$;

-- One turn, at most p_limit of each class: how many of what went. The audit trail says so once.
CREATE OR REPLACE FUNCTION retention_sweep(p_notice interval, p_limit integer) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    v_rules CONSTANT jsonb := retention_rules();
    v_body jsonb;
    v_gone jsonb;
    v_walk_ins integer;
    v_wishes integer;
    v_messages integer;
    v_numbers integer;
BEGIN
    v_body := body_data_age_out((v_rules->>'body_months')::integer, p_notice, p_limit);
    DELETE FROM walk_in WHERE id IN (SELECT id FROM walk_in
        WHERE day < current_date - (v_rules->>'walk_in_days')::integer ORDER BY day LIMIT p_limit);
    GET DIAGNOSTICS v_walk_ins = ROW_COUNT;
    DELETE FROM waiting_entry WHERE id IN (SELECT id FROM waiting_entry
        WHERE state NOT IN ('waiting', 'offered')
          AND updated_at < now() - make_interval(months => (v_rules->>'waiting_months')::integer)
        ORDER BY updated_at LIMIT p_limit);
    GET DIAGNOSTICS v_wishes = ROW_COUNT;
    -- dead letters are for a person to look at, but not for ever
    DELETE FROM message WHERE id IN (SELECT id FROM message WHERE state IN ('failed', 'cancelled')
        AND created_at < now() - interval '12 months' ORDER BY created_at LIMIT p_limit);
    GET DIAGNOSTICS v_messages = ROW_COUNT;
    -- a number of somebody who wrote once; free text may be sent for a day after that
    DELETE FROM whatsapp_conversation WHERE last_heard_at < now() - interval '30 days'
        AND coalesce(helped_at, '-infinity') < now() - interval '30 days';
    GET DIAGNOSTICS v_numbers = ROW_COUNT;
    v_gone := jsonb_build_object('body_data', (v_body->>'erased')::integer, 'walk_ins', v_walk_ins,
        'waiting_list', v_wishes, 'messages', v_messages, 'numbers', v_numbers);
    IF EXISTS (SELECT FROM jsonb_each_text(v_gone) x WHERE x.value <> '0') THEN
        PERFORM audit_record('{"kind": "system", "id": "", "name": "retention"}', 'retention.swept',
            'settings', 'retention', v_gone);
    END IF;
    RETURN v_gone || jsonb_build_object('told', v_body->'told');
END $$;
