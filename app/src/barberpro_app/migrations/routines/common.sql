-- What the booking functions share.

-- A refusal: `code` is what callers see, mapped to a status by the app. Rolls everything back.
CREATE OR REPLACE FUNCTION refuse(p_code text, p_detail text DEFAULT '', p_field text DEFAULT '')
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'BP001', MESSAGE = p_code, DETAIL = p_detail, COLUMN = p_field;
END $$;

CREATE OR REPLACE FUNCTION audit_record(
    p_actor jsonb, p_action text, p_kind text, p_id text, p_changes jsonb
) RETURNS void LANGUAGE sql AS $$
    INSERT INTO audit_event (actor_kind, actor_id, actor_name, action, object_kind, object_id,
                             request_id, changes)
    VALUES (p_actor->>'kind', coalesce(p_actor->>'id', ''), coalesce(p_actor->>'name', ''),
            p_action, p_kind, p_id, coalesce(p_actor->>'request_id', ''), p_changes)
$$;

-- The stored answer to this key, or null if it is new; the lock makes concurrent duplicates wait.
-- Only answers of success are stored: a refused request changed nothing and may be sent again.
CREATE OR REPLACE FUNCTION idempotency_begin(p_key jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    stored idempotency;
BEGIN
    IF p_key IS NULL THEN
        RETURN NULL;
    END IF;
    PERFORM pg_advisory_xact_lock(
        hashtextextended((p_key->>'principal') || E'\n' || (p_key->>'key'), 7301));
    SELECT * INTO stored FROM idempotency
    WHERE principal = p_key->>'principal' AND key = p_key->>'key';
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    IF stored.request_hash <> p_key->>'hash' THEN
        PERFORM refuse('idempotency_key_reused',
            'This Idempotency-Key was used for another request.', 'Idempotency-Key');
    END IF;
    RETURN jsonb_build_object('status', stored.status, 'body', stored.response, 'replayed', true);
END $$;

CREATE OR REPLACE FUNCTION idempotency_end(p_key jsonb, p_status integer, p_body jsonb)
RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
    IF p_key IS NOT NULL THEN
        INSERT INTO idempotency (principal, key, request_hash, status, response)
        VALUES (p_key->>'principal', p_key->>'key', p_key->>'hash', p_status, p_body);
    END IF;
    RETURN jsonb_build_object('status', p_status, 'body', p_body, 'replayed', false);
END $$;

-- app.json's policies with what the owner changed of them.
CREATE OR REPLACE FUNCTION effective_policies(p_defaults jsonb) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT p_defaults || coalesce((SELECT value FROM settings_value WHERE key = 'policies'), '{}')
$$;

CREATE OR REPLACE VIEW booking_document AS
SELECT b.id, b.code, b.status, b.starts_at, b.ends_at, b.provider_id, b.location_id, b.client_id,
       b.held_by,
       jsonb_build_object(
           'session_id', b.session_id, 'seats', b.seats, 'place', g.place,
           'id', b.id, 'code', b.code, 'status', b.status,
           'starts_at', b.starts_at, 'ends_at', b.ends_at, 'zone', b.zone,
           'price_centavos', b.price_centavos,
           'hold_expires_at', b.hold_expires_at, 'hold_extended', b.hold_extended,
           'source', b.source, 'note', b.note, 'cancel_reason', b.cancel_reason,
           'any_provider', b.any_provider, 'visit_id', b.visit_id, 'version', b.version, 'created_at', b.created_at,
           'checked_in_at', b.checked_in_at, 'series_id', b.series_id,
           'provider', jsonb_build_object('id', p.id, 'name', p.name),
           'resources', coalesce((SELECT jsonb_agg(jsonb_build_object('id', r.id, 'name', r.name,
               'kind', r.kind) ORDER BY r.kind, r.sort, r.name)
               FROM occupancy o JOIN resource r ON r.id = o.resource_id
               WHERE o.booking_id = b.id AND o.part <> 'provider'), '[]'),
           'location', jsonb_build_object('id', l.id, 'name', l.name),
           'service', jsonb_build_object('id', s.id, 'name', s.name, 'minutes',
               (extract(epoch FROM b.ends_at - b.starts_at) / 60)::integer),
           'client', CASE
               WHEN c.id IS NULL THEN NULL
               WHEN b.contact IS NULL THEN jsonb_build_object('id', c.id, 'name', c.name,
                   'email', c.email, 'phone', c.phone, 'locale', c.locale)
               ELSE jsonb_build_object('id', c.id, 'name', b.contact->'name', 'email', c.email,
                   'phone', b.contact->'phone', 'locale', b.contact->'locale') END
       ) AS document,
       b.session_id
FROM booking b
JOIN provider p ON p.id = b.provider_id
JOIN location l ON l.id = b.location_id
JOIN service s ON s.id = b.service_id
LEFT JOIN client c ON c.id = b.client_id
LEFT JOIN group_session g ON g.id = b.session_id;

-- A code that can be read aloud: no I, L, O, U, 0, 1. 30^8 of them; one that exists is drawn again.
CREATE OR REPLACE FUNCTION new_booking_code() RETURNS text LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    alphabet CONSTANT text := '23456789ABCDEFGHJKMNPQRSTVWXYZ';
    noise bigint;
    v_code text;
BEGIN
    LOOP
        -- 60 random bits for the 39 that eight letters take: the bias of % is below one in a million
        noise := ('x' || left(md5(gen_random_uuid()::text), 15))::bit(60)::bigint;
        -- in one expression: a loop of the language takes ten times as long
        v_code := substr(alphabet, 1 + (noise % 30)::integer, 1)
            || substr(alphabet, 1 + (noise / 30 % 30)::integer, 1)
            || substr(alphabet, 1 + (noise / 900 % 30)::integer, 1)
            || substr(alphabet, 1 + (noise / 27000 % 30)::integer, 1)
            || substr(alphabet, 1 + (noise / 810000 % 30)::integer, 1)
            || substr(alphabet, 1 + (noise / 24300000 % 30)::integer, 1)
            || substr(alphabet, 1 + (noise / 729000000 % 30)::integer, 1)
            || substr(alphabet, 1 + (noise / 21870000000 % 30)::integer, 1);
        EXIT WHEN NOT EXISTS (SELECT FROM booking b WHERE b.code = v_code);
    END LOOP;
    RETURN v_code;
END $$;

-- The client of a contact: by e-mail, else a new one. What is on file is not overwritten, for
-- whoever types an address has not proved that it is theirs.
CREATE OR REPLACE FUNCTION client_of_contact(p_contact jsonb) RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE
    v_email text := lower(p_contact->>'email');
    v_id uuid;
BEGIN
    LOOP
        IF v_email IS NOT NULL THEN
            SELECT id INTO v_id FROM client WHERE email = v_email;
            EXIT WHEN FOUND;
            SELECT client_id INTO v_id FROM client_alias WHERE kind = 'email' AND value = v_email;
            EXIT WHEN FOUND;
        END IF;
        INSERT INTO client (name, email, phone, locale)
        VALUES (p_contact->>'name', v_email, p_contact->>'phone', p_contact->>'locale')
        ON CONFLICT (email) WHERE email IS NOT NULL DO NOTHING
        RETURNING id INTO v_id;
        EXIT WHEN FOUND;
    END LOOP;
    RETURN v_id;
END $$;
