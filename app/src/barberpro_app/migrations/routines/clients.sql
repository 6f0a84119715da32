-- Clients: who is blocked books nothing online; two records of one person become one.

-- A booking is of the record that is kept, and not of somebody who is blocked unless the team makes
-- it. The lock waits for a merge that is under way, and then sees it.
CREATE OR REPLACE FUNCTION booking_client_checked() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    c record;
BEGIN
    IF NEW.client_id IS NULL THEN
        RETURN NEW;
    END IF;
    SELECT merged_into, blocked_at INTO c FROM client WHERE id = NEW.client_id FOR KEY SHARE;
    IF c.merged_into IS NOT NULL THEN
        NEW.client_id := c.merged_into;
        SELECT merged_into, blocked_at INTO c FROM client WHERE id = NEW.client_id FOR KEY SHARE;
    END IF;
    IF c.blocked_at IS NOT NULL AND NEW.source IN ('client', 'anonymous') THEN
        PERFORM refuse('client_blocked', 'This booking cannot be made online; please contact us.');
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER booking_client_checked BEFORE INSERT OR UPDATE OF client_id ON booking
    FOR EACH ROW EXECUTE FUNCTION booking_client_checked();

-- A consent is evidence: it can be revoked, once, and neither changed nor removed. When two records of
-- one person become one it goes with the person; what was signed stays as it was signed.
CREATE OR REPLACE FUNCTION consent_is_evidence() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.revoked_at IS NULL AND NEW.revoked_at IS NOT NULL
       AND to_jsonb(NEW) - 'revoked_at' = to_jsonb(OLD) - 'revoked_at' THEN
        RETURN NEW;
    END IF;
    IF TG_OP = 'UPDATE' AND to_jsonb(NEW) - 'client_id' = to_jsonb(OLD) - 'client_id'
       AND EXISTS (SELECT FROM client_merge m
                   WHERE m.gone_id = OLD.client_id AND m.kept_id = NEW.client_id) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'a consent may only be revoked' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE OR REPLACE TRIGGER consent_only_revoked BEFORE UPDATE OR DELETE ON consent
    FOR EACH ROW EXECUTE FUNCTION consent_is_evidence();

-- What of a record the law ties to the person as it was kept (Ley 26.529 arts. 13 and 18): entries are
-- chained under the client's key, and the log of readings is evidence. Such a record is not dissolved.
CREATE OR REPLACE FUNCTION has_clinical_file(p_client uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM clinical_entry WHERE client_id = p_client)
        OR EXISTS (SELECT FROM clinical_access WHERE client_id = p_client)
        OR EXISTS (SELECT FROM clinical_emergency WHERE client_id = p_client)
        OR EXISTS (SELECT FROM encrypted_note WHERE client_id = p_client)
        OR EXISTS (SELECT FROM session_recording WHERE client_id = p_client)
        OR EXISTS (SELECT FROM patient_alert WHERE client_id = p_client)
        OR EXISTS (SELECT FROM health_cover WHERE client_id = p_client)
        OR EXISTS (SELECT FROM treatment_plan WHERE client_id = p_client)
        OR EXISTS (SELECT FROM lab_order WHERE client_id = p_client)
        OR EXISTS (SELECT FROM sealed_key WHERE kind = 'patient' AND subject_id = p_client)
$$;

-- Balances go over by an entry of their own, one per currency: the books are never rewritten.
CREATE OR REPLACE FUNCTION client_merge_books(p_actor jsonb, p_merge uuid, p_kept uuid, p_gone uuid)
RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    c record;
    v_count integer := 0;
BEGIN
    FOR c IN
        SELECT currency, jsonb_agg(part ORDER BY account, side) AS parts
        FROM (SELECT e.currency, l.account, sum(l.amount)::bigint AS amount
              FROM ledger_line l JOIN ledger_entry e ON e.id = l.entry_id
              WHERE l.client_id = p_gone
              GROUP BY e.currency, l.account HAVING sum(l.amount) <> 0) balance
        CROSS JOIN LATERAL (VALUES
            (1, ledger_part(account, -amount, p_gone)),
            (2, ledger_part(account, amount, p_kept))) AS x(side, part)
        GROUP BY currency
    LOOP
        PERFORM ledger_post(p_actor, 'client.merged', c.currency,
            jsonb_build_object('kind', 'client', 'id', p_kept),
            'merge:' || p_merge || ':' || c.currency, c.parts);
        v_count := v_count + 1;
    END LOOP;
    RETURN v_count;
END $$;

-- Everything that has a `client_id`, whatever service it is of; how many rows of which table.
CREATE OR REPLACE FUNCTION client_merge_rows(p_kept uuid, p_gone uuid) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    t record;
    v_rows integer;
    v_moved jsonb := '{}';
BEGIN
    FOR t IN
        SELECT c.relname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
        WHERE a.attname = 'client_id' AND a.atttypid = 'uuid'::regtype AND NOT a.attisdropped
          AND c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace
          AND c.relname NOT IN ('ledger_line', 'session', 'sign_in_link', 'client_merge')
        ORDER BY c.relname
    LOOP
        BEGIN
            EXECUTE format('UPDATE %I SET client_id = $1 WHERE client_id = $2', t.relname)
            USING p_kept, p_gone;
            GET DIAGNOSTICS v_rows = ROW_COUNT;
        EXCEPTION WHEN unique_violation OR exclusion_violation OR check_violation
                       OR insufficient_privilege OR integrity_constraint_violation THEN
            PERFORM refuse('merge_conflict', 'Both have rows that exclude each other: '
                || replace(t.relname, '_', ' ') || '.');
        END;
        IF v_rows > 0 THEN
            v_moved := v_moved || jsonb_build_object(t.relname, v_rows);
        END IF;
    END LOOP;
    RETURN v_moved;
END $$;

-- Makes p_gone part of p_kept. Locks both records in order of their keys, so that two such calls never
-- wait for each other. Runs as the owner of the tables: evidence is not the app's to write.
CREATE OR REPLACE FUNCTION client_merge(
    p_actor jsonb, p_kept uuid, p_gone uuid, p_kept_version integer, p_gone_version integer
) RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    k client;
    g client;
    v_merge CONSTANT uuid := uuidv7();
    v_moved jsonb;
BEGIN
    IF p_kept = p_gone THEN
        PERFORM refuse('merge_itself', 'These are the same record.', 'other_id');
    END IF;
    PERFORM FROM client WHERE id IN (p_kept, p_gone) ORDER BY id FOR UPDATE;
    SELECT * INTO k FROM client WHERE id = p_kept;
    SELECT * INTO g FROM client WHERE id = p_gone;
    IF k.id IS NULL OR g.id IS NULL OR k.merged_into IS NOT NULL OR g.merged_into IS NOT NULL THEN
        PERFORM refuse('not_found', 'There is no such client.', 'other_id');
    END IF;
    IF k.version <> p_kept_version OR g.version <> p_gone_version THEN
        PERFORM refuse('stale_version', 'Somebody else changed one of them meanwhile.', 'version');
    END IF;
    IF has_clinical_file(p_gone) THEN
        PERFORM refuse('merge_clinical',
            'The record that would go has a clinical file, which the law ties to it.', 'other_id');
    END IF;
    INSERT INTO client_merge (id, kept_id, gone_id, moved, actor_kind, actor_id)
    VALUES (v_merge, p_kept, p_gone, '{}', p_actor->>'kind', coalesce(p_actor->>'id', ''));
    -- one address per channel, one answer to each: the record that is kept decides
    DELETE FROM contact_channel x WHERE x.client_id = p_gone AND EXISTS (
        SELECT FROM contact_channel y WHERE y.client_id = p_kept AND y.channel = x.channel);
    v_moved := client_merge_rows(p_kept, p_gone);
    UPDATE booking SET held_by = p_kept::text WHERE held_by = p_gone::text;
    UPDATE client SET merged_into = p_kept WHERE merged_into = p_gone;
    DELETE FROM session WHERE client_id = p_gone;
    DELETE FROM sign_in_link WHERE client_id = p_gone;
    v_moved := v_moved || jsonb_build_object(
        'ledger', client_merge_books(p_actor, v_merge, p_kept, p_gone));
    UPDATE client_merge SET moved = v_moved WHERE id = v_merge;
    UPDATE client SET name = '-', email = NULL, phone = NULL, note = '', blocked_at = NULL,
        blocked_reason = '', merged_into = p_kept, version = version + 1, updated_at = now()
    WHERE id = p_gone;
    UPDATE client SET email = coalesce(k.email, g.email), phone = coalesce(k.phone, g.phone),
        locale = coalesce(k.locale, g.locale),
        note = left(concat_ws(E'\n', nullif(k.note, ''), nullif(g.note, '')), 2000),
        blocked_at = coalesce(k.blocked_at, g.blocked_at),
        blocked_reason = CASE WHEN k.blocked_at IS NULL THEN g.blocked_reason ELSE k.blocked_reason END,
        blocked_by = CASE WHEN k.blocked_at IS NULL THEN g.blocked_by ELSE k.blocked_by END,
        version = version + 1, updated_at = now()
    WHERE id = p_kept;
    PERFORM audit_record(p_actor, 'client.merged', 'client', p_kept::text,
        jsonb_build_object('gone', p_gone, 'moved', v_moved));
    RETURN v_moved;
END $$;
