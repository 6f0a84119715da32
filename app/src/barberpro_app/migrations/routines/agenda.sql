-- The agenda of the team.

-- Which rule of hours a move by hand would break, or null; the grid of times that clients see is no
-- rule for the team. With the same provider the minutes stay as booked, with another they are theirs.
CREATE OR REPLACE FUNCTION agenda_move_problem(
    p_booking uuid, p_provider uuid, p_starts timestamptz, p_holidays date[]
) RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
    b booking;
    l location;
    v_minutes integer;
BEGIN
    SELECT * INTO b FROM booking WHERE id = p_booking;
    SELECT * INTO l FROM location WHERE id = b.location_id;
    SELECT CASE WHEN p_provider = b.provider_id
                THEN (extract(epoch FROM b.ends_at - b.starts_at) / 60)::integer
                ELSE coalesce(ps.minutes, s.minutes) END INTO v_minutes
    FROM service s
    LEFT JOIN provider_service ps ON ps.service_id = s.id AND ps.provider_id = p_provider
    WHERE s.id = b.service_id;
    RETURN nullif(slot_problem(p_provider, l, p_starts,
                               p_starts + make_interval(mins => v_minutes), p_holidays, 1), 'off_grid');
END $$;
