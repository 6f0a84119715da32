-- After all others by its name: how the functions that change things plan. A session keeps the plans of
-- what is planned first, whichever of them it called; see the end of booking.sql for why indexes only.
DO $$
DECLARE
    v_function regprocedure;
BEGIN
    FOR v_function IN SELECT p.oid::regprocedure FROM pg_proc p
        WHERE p.pronamespace = 'public'::regnamespace AND p.prokind = 'f'
          AND p.prosrc LIKE '%idempotency\_begin(p\_key)%'
    LOOP
        EXECUTE format('ALTER FUNCTION %s SET enable_seqscan = off', v_function);
    END LOOP;
END $$;
