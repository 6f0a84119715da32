-- What a booking costs, and what has to be paid ahead.

-- The price of one service at a time, from p_base (the service's or the provider's own). Of the rules
-- that match, the most specific decides: one for this service before one for all, then for this
-- provider, then for an hour band, then for weekdays; of equals the newest. Halves round up.
CREATE OR REPLACE FUNCTION booking_price(
    p_service uuid, p_provider uuid, p_starts timestamptz, p_zone text, p_base bigint,
    OUT price bigint, OUT rule_id uuid
) LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_local CONSTANT timestamp := p_starts AT TIME ZONE p_zone;
    v_minute CONSTANT integer := (extract(hour FROM v_local) * 60
                                  + extract(minute FROM v_local))::integer;
BEGIN
    SELECT r.id, CASE r.kind WHEN 'fixed' THEN r.amount_centavos
                             ELSE round(p_base * r.percent / 100.0)::bigint END
    INTO rule_id, price
    FROM price_rule r
    WHERE r.active
      AND (r.service_id IS NULL OR r.service_id = p_service)
      AND (r.provider_id IS NULL OR r.provider_id = p_provider)
      AND (r.from_minute IS NULL OR v_minute >= r.from_minute AND v_minute < r.to_minute)
      AND (r.weekdays IS NULL OR extract(isodow FROM v_local)::integer = ANY (r.weekdays))
    ORDER BY r.service_id IS NULL, r.provider_id IS NULL, r.from_minute IS NULL,
             r.weekdays IS NULL, r.id DESC
    LIMIT 1;
    price := least(coalesce(price, p_base), 100000000000);
END $$;

-- What has to be paid ahead of p_price. Within one condition a rule for the service goes before one
-- for all (so an amount of 0 exempts it); of the conditions that hold, the highest amount counts.
-- Of a visitor whom nobody knows yet only 'always' holds; may_be is the most that could be asked.
CREATE OR REPLACE FUNCTION deposit_quote(
    p_service uuid, p_client uuid, p_price bigint,
    OUT deposit bigint, OUT rule_id uuid, OUT may_be bigint
) LANGUAGE plpgsql STABLE AS $$
DECLARE
    r record;
    v_holds boolean;
BEGIN
    deposit := 0;
    may_be := 0;
    FOR r IN
        SELECT DISTINCT ON (d.applies, d.no_shows) d.id, d.applies, d.no_shows,
               least(p_price, CASE d.kind WHEN 'fixed' THEN d.amount_centavos
                                  ELSE round(p_price * d.percent / 100.0)::bigint END) AS amount
        FROM deposit_rule d
        WHERE d.active AND (d.service_id IS NULL OR d.service_id = p_service)
        ORDER BY d.applies, d.no_shows, d.service_id IS NULL, d.id DESC
    LOOP
        v_holds := CASE r.applies
            WHEN 'always' THEN true
            WHEN 'new_client' THEN p_client IS NOT NULL AND NOT EXISTS (
                SELECT FROM booking b WHERE b.client_id = p_client
                AND b.status IN ('arrived', 'completed'))
            ELSE p_client IS NOT NULL AND client_no_shows(p_client) >= r.no_shows END;
        IF v_holds AND r.amount > deposit THEN
            deposit := r.amount;
            rule_id := r.id;
        END IF;
        IF (v_holds OR p_client IS NULL) AND r.amount > may_be THEN
            may_be := r.amount;
        END IF;
    END LOOP;
END $$;

-- The quote as callers see it.
CREATE OR REPLACE FUNCTION quote(
    p_service uuid, p_provider uuid, p_starts timestamptz, p_zone text, p_client uuid
) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_base bigint;
    v_price record;
    v_deposit record;
BEGIN
    SELECT coalesce(ps.price_centavos, s.price_centavos) INTO v_base
    FROM service s
    LEFT JOIN provider_service ps ON ps.service_id = s.id AND ps.provider_id = p_provider
    WHERE s.id = p_service AND s.active;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    v_price := booking_price(p_service, p_provider, p_starts, p_zone, v_base);
    v_deposit := deposit_quote(p_service, p_client, v_price.price);
    RETURN jsonb_build_object('base_centavos', v_base, 'price_centavos', v_price.price,
        'deposit_centavos', v_deposit.deposit, 'deposit_may_be_centavos', v_deposit.may_be,
        'price_rule_id', v_price.rule_id, 'deposit_rule_id', v_deposit.rule_id);
END $$;

-- A new booking keeps what was quoted. What else makes up its price (a second service) stays: the
-- rule moves the price by the difference that it makes. Staff and programs book without a deposit,
-- and may ask for one by a payment of their own.
CREATE OR REPLACE FUNCTION booking_priced() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    v_base bigint;
    v_price record;
    v_deposit record;
BEGIN
    SELECT coalesce(ps.price_centavos, s.price_centavos) INTO v_base
    FROM service s
    LEFT JOIN provider_service ps ON ps.service_id = s.id AND ps.provider_id = NEW.provider_id
    WHERE s.id = NEW.service_id;
    v_price := booking_price(NEW.service_id, NEW.provider_id, NEW.starts_at, NEW.zone, v_base);
    IF v_price.rule_id IS NOT NULL THEN
        NEW.price_centavos := greatest(0,
            NEW.price_centavos + NEW.seats * (v_price.price - v_base));
        NEW.price_rule_id := v_price.rule_id;
    END IF;
    IF NEW.source NOT IN ('staff', 'system', 'api') THEN
        v_deposit := deposit_quote(NEW.service_id, NEW.client_id, NEW.price_centavos);
        NEW.deposit_centavos := v_deposit.deposit;
        NEW.deposit_rule_id := v_deposit.rule_id;
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER booking_priced BEFORE INSERT ON booking
    FOR EACH ROW EXECUTE FUNCTION booking_priced();
