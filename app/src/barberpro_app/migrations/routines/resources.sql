-- Chairs, rooms, equipment: what a booking takes beside its provider, in the same transaction.

-- What is locked to take one of a kind: whoever wants another one of it waits, so that two callers
-- never choose from the same list at once.
CREATE OR REPLACE FUNCTION resource_pool(p_location uuid, p_kind text) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT md5(p_location::text || p_kind)::uuid
$$;

-- As slot_prepare, for a booking of this service: also of the kinds that it needs. All times are
-- locked before any stale hold is, provider first, then kinds in the order of their keys.
CREATE OR REPLACE FUNCTION booking_prepare(
    p_service uuid, p_location uuid, p_provider uuid, p_period tstzrange
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_pool uuid;
    v_pools CONSTANT uuid[] := ARRAY(SELECT resource_pool(p_location, n.kind)
        FROM service_resource n WHERE n.service_id = p_service ORDER BY 1);
BEGIN
    IF cardinality(v_pools) = 0 THEN
        PERFORM slot_prepare(p_provider, p_period);
        RETURN;
    END IF;
    PERFORM slot_lock(p_provider, p_period);
    FOREACH v_pool IN ARRAY v_pools LOOP
        PERFORM slot_lock(v_pool, p_period);
    END LOOP;
    PERFORM stale_expire(p_provider || ARRAY(
        SELECT r.id FROM resource r JOIN service_resource n ON n.kind = r.kind
        WHERE n.service_id = p_service AND r.location_id = p_location), p_period);
END $$;

-- Frees these resources' time of holds that have expired, in the order of their bookings.
CREATE OR REPLACE FUNCTION stale_expire(p_resources uuid[], p_period tstzrange) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_id uuid;
BEGIN
    FOR v_id IN
        SELECT b.id FROM booking b
        WHERE b.id IN (SELECT o.booking_id FROM occupancy o
                       WHERE o.resource_id = ANY (p_resources) AND o.period && p_period
                         AND o.active AND o.expires_at <= now())
        ORDER BY b.id FOR NO KEY UPDATE OF b
    LOOP
        PERFORM expire_hold(v_id);
    END LOOP;
END $$;

-- Takes what the booking's service needs: of the free ones of each kind those in p_wanted first,
-- then those with the least booked that local day. Raises exclusion_violation if one is lacking.
-- Needs booking_prepare before.
CREATE OR REPLACE FUNCTION resources_take(
    b booking, p_period tstzrange, p_expires timestamptz, p_wanted uuid[] DEFAULT '{}'
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_midnight CONSTANT timestamptz := date_trunc('day', b.starts_at, b.zone);
    v_day CONSTANT tstzrange := tstzrange(v_midnight, v_midnight + interval '1 day');
    n service_resource;
    v_id uuid;
    v_taken integer;
BEGIN
    FOR n IN SELECT * FROM service_resource WHERE service_id = b.service_id ORDER BY kind LOOP
        v_taken := 0;
        FOR v_id IN
            SELECT r.id FROM resource r
            CROSS JOIN LATERAL (
                SELECT coalesce(sum(upper(o.period) - lower(o.period)), interval '0') AS booked
                FROM occupancy o
                WHERE o.resource_id = r.id AND o.active AND o.period && v_day) busy
            WHERE r.location_id = b.location_id AND r.kind = n.kind AND r.active
              AND NOT EXISTS (SELECT FROM occupancy o WHERE o.resource_id = r.id AND o.active
                              AND o.period && p_period)
            ORDER BY r.id = ANY (p_wanted) DESC, busy.booked, r.sort, r.name, r.id
            LIMIT n.count
        LOOP
            v_taken := v_taken + 1;
            INSERT INTO occupancy (booking_id, session_id, part, resource_id, period, expires_at)
            VALUES (b.id, CASE WHEN b.id IS NULL THEN b.session_id END, n.kind || ':' || v_taken,
                    v_id, p_period, p_expires);
        END LOOP;
        IF v_taken < n.count THEN
            RAISE EXCEPTION 'no % is free', n.kind USING ERRCODE = 'exclusion_violation';
        END IF;
    END LOOP;
END $$;

-- The same for a booking that has its resources and moves, or comes back: the same ones if they are
-- free, others if not.
CREATE OR REPLACE FUNCTION resources_take_again(b booking, p_period tstzrange, p_expires timestamptz)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_before CONSTANT uuid[] := ARRAY(SELECT o.resource_id FROM occupancy o
        WHERE o.booking_id = b.id AND o.part <> 'provider');
BEGIN
    DELETE FROM occupancy WHERE booking_id = b.id AND part <> 'provider';
    PERFORM resources_take(b, p_period, p_expires, v_before);
END $$;

-- Takes the time of a booking again that had given it back. Raises exclusion_violation if it is gone.
CREATE OR REPLACE FUNCTION booking_occupy_again(b booking, p_expires timestamptz) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    o occupancy;
BEGIN
    SELECT * INTO o FROM occupancy WHERE booking_id = b.id AND part = 'provider';
    IF NOT FOUND THEN
        RETURN;
    END IF;
    PERFORM booking_prepare(b.service_id, b.location_id, o.resource_id, o.period);
    UPDATE occupancy SET active = true, expires_at = p_expires
    WHERE booking_id = b.id AND part = 'provider';
    PERFORM resources_take_again(b, coalesce(
        (SELECT r.period FROM occupancy r WHERE r.booking_id = b.id AND r.part <> 'provider' LIMIT 1),
        o.period), p_expires);
END $$;
