-- Figures of a span of days, from p_first to p_last, both in it. They only read.
--
-- What starts in the span is found by the index of starts, a day more on both sides. Only within a day
-- of its ends the local day of the place has to be computed.

CREATE OR REPLACE FUNCTION report_bookings(p_first date, p_last date)
RETURNS SETOF booking LANGUAGE sql STABLE AS $$
    SELECT b.* FROM booking b
    WHERE b.starts_at >= (p_first - 1)::timestamp AT TIME ZONE 'UTC'
      AND b.starts_at < (p_last + 2)::timestamp AT TIME ZONE 'UTC'
      AND (b.starts_at >= (p_first + 1)::timestamp AT TIME ZONE 'UTC'
           AND b.starts_at < p_last::timestamp AT TIME ZONE 'UTC'
           OR (b.starts_at AT TIME ZONE b.zone)::date BETWEEN p_first AND p_last)
$$;

-- When providers are open: working hours without breaks, time off, and the days that are closed. Wall
-- time that a change of clocks skips is empty.
CREATE OR REPLACE FUNCTION report_opened(p_first date, p_last date, p_closed date[])
RETURNS TABLE (provider_id uuid, zone text, period tstzrange) LANGUAGE sql STABLE AS $$
    SELECT h.provider_id, l.zone, r
    FROM generate_series(p_first, p_last, interval '1 day') AS d(at)
    JOIN working_hours h ON h.weekday = extract(isodow FROM d.at)
        AND d.at::date >= h.valid_from AND (h.valid_to IS NULL OR d.at::date <= h.valid_to)
    JOIN provider p ON p.id = h.provider_id AND p.active
    JOIN location l ON l.id = h.location_id AND l.active
    CROSS JOIN LATERAL report_wall(d.at::date, h.opens, h.closes, l.zone) e
    CROSS JOIN LATERAL unnest(
        tstzmultirange(e)
        - coalesce((SELECT range_agg(report_wall(d.at::date, t.starts, t.ends, l.zone))
                    FROM break_time t WHERE t.working_hours_id = h.id), '{}')
        - coalesce((SELECT range_agg(o.period) FROM time_off o
                    WHERE (o.provider_id = h.provider_id OR o.location_id = l.id)
                      AND o.period && e), '{}')) r
    WHERE d.at::date <> ALL (p_closed)
$$;

-- Minutes of a local day as a range of instants. One expression, so that it is inlined.
CREATE OR REPLACE FUNCTION report_wall(p_day date, p_from integer, p_to integer, p_zone text)
RETURNS tstzrange LANGUAGE sql STABLE AS $$
    SELECT tstzrange((p_day + make_interval(mins => p_from)) AT TIME ZONE p_zone,
                     greatest((p_day + make_interval(mins => p_from)) AT TIME ZONE p_zone,
                              (p_day + make_interval(mins => p_to)) AT TIME ZONE p_zone))
$$;

-- What was booked of it: bookings that were not cancelled, and sessions with at least one of them.
CREATE OR REPLACE FUNCTION report_booked(p_first date, p_last date)
RETURNS TABLE (provider_id uuid, zone text, period tstzrange) LANGUAGE sql STABLE AS $$
    SELECT b.provider_id, b.zone, tstzrange(b.starts_at, b.ends_at)
    FROM report_bookings(p_first, p_last) b
    WHERE b.session_id IS NULL AND b.status IN ('confirmed', 'arrived', 'completed', 'no_show')
    UNION ALL
    SELECT g.provider_id, g.zone, tstzrange(g.starts_at, g.ends_at)
    FROM group_session g
    WHERE g.state = 'scheduled'
      AND g.starts_at >= (p_first - 1)::timestamp AT TIME ZONE 'UTC'
      AND g.starts_at < (p_last + 2)::timestamp AT TIME ZONE 'UTC'
      AND (g.starts_at AT TIME ZONE g.zone)::date BETWEEN p_first AND p_last
      AND EXISTS (SELECT FROM booking b WHERE b.session_id = g.id
                  AND b.status IN ('confirmed', 'arrived', 'completed', 'no_show'))
$$;

-- Seconds of both by provider, ISO weekday and local hour. Times are cut at the hours of the wall
-- clock; each hour begins where the one before ended, so the parts add up to the whole also when clocks
-- change. Where no clock changed within a time, which is nearly always, the cutting is of whole numbers,
-- and what is alike from week to week is cut once: the seconds of a week from Thursday on, as the epoch
-- began on one.
CREATE OR REPLACE FUNCTION report_times(p_first date, p_last date, p_closed date[])
RETURNS TABLE (kind text, provider_id uuid, weekday integer, hour integer, seconds bigint)
LANGUAGE sql STABLE AS $$
    WITH times AS MATERIALIZED (
        SELECT t.kind, t.provider_id, t.zone, t.period,
               lower(t.period) AT TIME ZONE t.zone AS starts,
               upper(t.period) AT TIME ZONE t.zone AS ends
        FROM (SELECT 'opened' AS kind, o.* FROM report_opened(p_first, p_last, p_closed) o
              UNION ALL
              SELECT 'booked', k.* FROM report_booked(p_first, p_last) k) t
    ), wall AS (
        SELECT t.kind, t.provider_id, extract(epoch FROM t.starts)::bigint AS starts,
               extract(epoch FROM t.ends - t.starts)::bigint AS lasts
        FROM times t WHERE t.ends - t.starts = upper(t.period) - lower(t.period)
    ), alike AS (
        SELECT w.kind, w.provider_id, w.starts % 604800 AS starts,
               w.starts % 604800 + w.lasts AS ends, count(*) AS number
        FROM wall w GROUP BY 1, 2, 3, 4
    ), parts AS (
        SELECT w.kind, w.provider_id, h AS hour,
               w.number * (least(w.ends, (h + 1) * 3600) - greatest(w.starts, h * 3600)) AS seconds
        FROM alike w CROSS JOIN LATERAL generate_series(w.starts / 3600, (w.ends - 1) / 3600) h
        UNION ALL
        SELECT t.kind, t.provider_id, extract(epoch FROM c.at)::bigint / 3600, c.seconds
        FROM times t CROSS JOIN LATERAL (
            SELECT h.at, extract(epoch FROM
                       least(upper(t.period), (h.at + interval '1 hour') AT TIME ZONE t.zone)
                       - greatest(lower(t.period), h.at AT TIME ZONE t.zone))::bigint AS seconds
            FROM generate_series(date_trunc('hour', t.starts) - interval '1 hour', t.ends,
                                 interval '1 hour') AS h(at)) c
        WHERE t.ends - t.starts <> upper(t.period) - lower(t.period) AND c.seconds > 0
    )
    SELECT p.kind, p.provider_id, ((p.hour / 24 + 3) % 7)::integer + 1, (p.hour % 24)::integer,
           sum(p.seconds)::bigint
    FROM parts p GROUP BY 1, 2, 3, 4
$$;

-- Bookings that took place and that were missed, by part of the span (day, week, month).
CREATE OR REPLACE FUNCTION report_attendance(p_first date, p_last date, p_grain text)
RETURNS TABLE (first_day date, came bigint, missed bigint) LANGUAGE sql STABLE AS $$
    SELECT date_trunc(p_grain, b.starts_at AT TIME ZONE b.zone)::date,
           count(*) FILTER (WHERE b.status IN ('arrived', 'completed')),
           count(*) FILTER (WHERE b.status = 'no_show')
    FROM report_bookings(p_first, p_last) b
    WHERE b.status IN ('arrived', 'completed', 'no_show')
    GROUP BY 1
$$;

-- Clients who came in each part, and in the span (no first_day). New is who came for the first time
-- ever: in the part of that day, and in the span.
CREATE OR REPLACE FUNCTION report_clients(p_first date, p_last date, p_grain text)
RETURNS TABLE (first_day date, newcomers bigint, regulars bigint) LANGUAGE sql STABLE AS $$
    WITH seen AS (
        SELECT b.client_id, min(b.starts_at) AS starts_at,
               date_trunc(p_grain, b.starts_at AT TIME ZONE b.zone)::date AS part
        FROM report_bookings(p_first, p_last) b
        WHERE b.client_id IS NOT NULL AND b.status IN ('arrived', 'completed')
        GROUP BY b.client_id, part
    ), known AS (
        SELECT s.client_id, min(s.part) AS part, EXISTS (
            SELECT FROM booking k WHERE k.client_id = s.client_id
            AND k.starts_at < min(s.starts_at) AND k.status IN ('arrived', 'completed')) AS before
        FROM seen s GROUP BY s.client_id
    )
    SELECT s.part, count(*) FILTER (WHERE NOT k.before AND s.part = k.part),
           count(*) FILTER (WHERE k.before OR s.part > k.part)
    FROM seen s JOIN known k USING (client_id) GROUP BY s.part
    UNION ALL
    SELECT NULL, count(*) FILTER (WHERE NOT before), count(*) FILTER (WHERE before) FROM known
$$;

-- Lines of the books in one currency; the days are those of the zone. The lines of each entry are
-- looked up by its key: the whole table grows.
CREATE OR REPLACE FUNCTION report_lines(p_first date, p_last date, p_zone text, p_currency text)
RETURNS TABLE (at timestamptz, entry_kind text, reference_kind text, reference_id text,
               account text, account_kind text, by_client boolean, amount bigint)
LANGUAGE sql STABLE AS $$
    SELECT e.at, e.kind, e.reference_kind, e.reference_id, a.code, a.kind, a.by_client, l.amount
    FROM ledger_entry e
    CROSS JOIN LATERAL (
        SELECT k.account, k.amount FROM ledger_line k WHERE k.entry_id = e.id OFFSET 0) l
    JOIN ledger_account a ON a.code = l.account
    WHERE e.at >= p_first::timestamp AT TIME ZONE p_zone
      AND e.at < (p_last + 1)::timestamp AT TIME ZONE p_zone
      AND e.currency = p_currency
$$;

-- Income by part of the span (`figure` earned), by service (service; of what is of no booking, whether
-- it is of packages), and what went into and out of each place where money is (means): all of one
-- reading of the lines.
CREATE OR REPLACE FUNCTION report_money(
    p_first date, p_last date, p_grain text, p_zone text, p_currency text
) RETURNS TABLE (figure text, first_day date, kind text, service_id uuid, name jsonb, account text,
                 centavos bigint, returned_centavos bigint, fees_centavos bigint)
LANGUAGE sql STABLE AS $$
    WITH lines AS MATERIALIZED (
        SELECT * FROM report_lines(p_first, p_last, p_zone, p_currency)
    ), sold AS (
        SELECT x.kind, (SELECT b.service_id FROM booking b WHERE b.id = x.booking::uuid) AS service_id,
               x.centavos
        FROM (SELECT CASE WHEN l.reference_kind IN ('booking', 'pass') THEN l.reference_kind
                          ELSE 'other' END AS kind,
                     CASE WHEN l.reference_kind = 'booking' THEN l.reference_id END AS booking,
                     -sum(l.amount) AS centavos
              FROM lines l WHERE l.account_kind = 'revenue' GROUP BY 1, 2) x
    )
    (SELECT 'earned', date_trunc(p_grain, l.at AT TIME ZONE p_zone)::date, NULL, NULL::uuid,
            NULL::jsonb, NULL, -sum(l.amount)::bigint, NULL::bigint, NULL::bigint
     FROM lines l WHERE l.account_kind = 'revenue' GROUP BY 2)
    UNION ALL
    (SELECT 'service', NULL, y.kind, y.service_id, coalesce(s.name, '{}'), NULL, y.centavos, NULL, NULL
     FROM (SELECT o.kind, o.service_id, sum(o.centavos)::bigint AS centavos
           FROM sold o GROUP BY 1, 2) y
     LEFT JOIN service s ON s.id = y.service_id
     ORDER BY y.centavos DESC, y.kind, s.sort, s.key)
    UNION ALL
    (SELECT 'means', NULL, NULL, NULL, NULL, l.account,
            coalesce(sum(l.amount) FILTER (WHERE l.amount > 0 AND NOT f.fee), 0)::bigint,
            coalesce(-sum(l.amount) FILTER (WHERE l.amount < 0 AND NOT f.fee), 0)::bigint,
            coalesce(-sum(l.amount) FILTER (WHERE f.fee), 0)::bigint
     FROM lines l CROSS JOIN LATERAL (SELECT l.entry_kind = 'payment.fee' AS fee) f
     WHERE l.account_kind = 'asset' AND NOT l.by_client
     GROUP BY l.account ORDER BY 7 DESC, l.account)
$$;
