-- Clients: who is blocked books nothing online; two records of one person become one.

-- A booking is of the record that is kept, and not of somebody who is blocked unless the team makes
-- it. The lock waits for a merge that is under way, and then sees it. A booking that is there already
-- stays whoever it is of: it may go over to a record that is blocked.
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
    IF c.blocked_at IS NOT NULL AND NEW.source IN ('client', 'anonymous')
       AND (TG_OP = 'INSERT' OR OLD.client_id IS NULL) THEN
        PERFORM refuse('client_blocked', 'This booking cannot be made online; please contact us.');
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER booking_client_checked BEFORE INSERT OR UPDATE OF client_id ON booking
    FOR EACH ROW EXECUTE FUNCTION booking_client_checked();

-- Whatever is added for a record that became part of another is of that other one: a page that was
-- open meanwhile, a payment that comes late. The lock is the one that the foreign key takes anyway.
CREATE OR REPLACE FUNCTION of_kept_client() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    v_kept uuid;
BEGIN
    SELECT merged_into INTO v_kept FROM client WHERE id = NEW.client_id FOR KEY SHARE;
    IF v_kept IS NOT NULL THEN
        NEW.client_id := v_kept;
    END IF;
    RETURN NEW;
END $$;

-- Tables with rows of clients, whatever service they are of. The books are not among them: they are
-- never rewritten, and get an entry instead.
CREATE OR REPLACE FUNCTION tables_of_clients() RETURNS SETOF text LANGUAGE sql STABLE AS $$
    SELECT c.relname::text FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    WHERE a.attname = 'client_id' AND a.atttypid = 'uuid'::regtype AND NOT a.attisdropped
      AND c.relkind IN ('r', 'p') AND NOT c.relispartition
      AND c.relnamespace = 'public'::regnamespace AND c.relname <> 'ledger_line'
    ORDER BY c.relname
$$;

DO $$
DECLARE
    v_table text;
BEGIN
    FOR v_table IN SELECT tables_of_clients() LOOP
        IF v_table <> 'booking' THEN
            -- named so that it comes before the triggers that look at the client
            EXECUTE format('CREATE OR REPLACE TRIGGER a_kept_client BEFORE INSERT ON %I FOR EACH ROW'
                ' WHEN (NEW.client_id IS NOT NULL) EXECUTE FUNCTION of_kept_client()', v_table);
        END IF;
    END LOOP;
END $$;

-- Whether the rows of one record may go to the other: a merge is under way, or was.
CREATE OR REPLACE FUNCTION is_merged(p_gone uuid, p_kept uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM client_merge WHERE gone_id = p_gone AND kept_id = p_kept)
$$;

-- A consent is evidence: it can be revoked, once, and neither changed nor removed. When two records of
-- one person become one it goes with the person; what was signed stays as it was signed.
CREATE OR REPLACE FUNCTION consent_is_evidence() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    c_person CONSTANT text[] := '{client_id,superseded_by}';
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.revoked_at IS NULL AND NEW.revoked_at IS NOT NULL
       AND to_jsonb(NEW) - 'revoked_at' = to_jsonb(OLD) - 'revoked_at' THEN
        RETURN NEW;
    END IF;
    IF TG_OP = 'UPDATE' AND to_jsonb(NEW) - c_person = to_jsonb(OLD) - c_person
       AND is_merged(OLD.client_id, NEW.client_id)
       AND (OLD.superseded_by IS NULL OR OLD.superseded_by = NEW.superseded_by) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'a consent may only be revoked' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE OR REPLACE TRIGGER consent_only_revoked BEFORE UPDATE OR DELETE ON consent
    FOR EACH ROW EXECUTE FUNCTION consent_is_evidence();

-- A person who withdraws a consent withdraws it, however often they had given it.
CREATE OR REPLACE FUNCTION consent_revoked_whole() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE consent SET revoked_at = NEW.revoked_at
    WHERE revoked_at IS NULL AND client_id = NEW.client_id AND purpose = NEW.purpose
      AND reference_id IS NOT DISTINCT FROM NEW.reference_id
      AND (id = NEW.superseded_by OR superseded_by IN (NEW.id, NEW.superseded_by));
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER consent_revoked_whole AFTER UPDATE OF revoked_at ON consent
    FOR EACH ROW WHEN (OLD.revoked_at IS NULL AND NEW.revoked_at IS NOT NULL)
    EXECUTE FUNCTION consent_revoked_whole();

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

-- All rows of the one go to the other; how many of which table.
CREATE OR REPLACE FUNCTION client_merge_rows(p_kept uuid, p_gone uuid) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    v_table text;
    v_rows integer;
    v_moved jsonb := '{}';
BEGIN
    FOR v_table IN SELECT t FROM tables_of_clients() t WHERE t NOT IN ('session', 'sign_in_link') LOOP
        -- evidence refuses to be updated, be it nothing of it
        EXECUTE format('SELECT count(*) FROM %I WHERE client_id = $1', v_table) INTO v_rows USING p_gone;
        CONTINUE WHEN v_rows = 0;
        BEGIN
            EXECUTE format('UPDATE %I SET client_id = $1 WHERE client_id = $2', v_table)
            USING p_kept, p_gone;
        EXCEPTION WHEN unique_violation OR exclusion_violation OR check_violation
                       OR insufficient_privilege OR integrity_constraint_violation THEN
            PERFORM refuse('merge_conflict', 'Both have rows that exclude each other: '
                || replace(v_table, '_', ' ') || '.', 'exclusive');
        END;
        v_moved := v_moved || jsonb_build_object(v_table, v_rows);
    END LOOP;
    RETURN v_moved;
END $$;

-- Body data of which a person can have one alone: how many of the one record exclude as many of the other.
CREATE OR REPLACE FUNCTION client_merge_exclusive(p_one uuid, p_other uuid)
RETURNS TABLE (what text, number integer) LANGUAGE sql STABLE AS $$
    SELECT x.what, x.number::integer FROM (
        SELECT 'activity_import' AS what, count(*) AS number FROM activity_import a JOIN activity_import b
            ON b.client_id = p_other AND b.sha256 = a.sha256 WHERE a.client_id = p_one
        UNION ALL
        SELECT 'activity', count(DISTINCT a.id) FROM activity a JOIN activity b
            ON b.client_id = p_other AND b.period && a.period WHERE a.client_id = p_one
        UNION ALL
        SELECT 'measurement', count(*) FROM measurement a JOIN measurement b ON b.client_id = p_other
            AND (b.kind, b.measured_on) = (a.kind, a.measured_on) WHERE a.client_id = p_one
        UNION ALL
        SELECT 'progress_goal', count(*) FROM progress_goal a JOIN progress_goal b ON b.client_id = p_other
            AND b.kind = a.kind AND NOT b.ended WHERE a.client_id = p_one AND NOT a.ended
        UNION ALL
        SELECT 'nutrition_profile', count(*) FROM nutrition_profile a JOIN nutrition_profile b
            ON b.client_id = p_other WHERE a.client_id = p_one) x
    WHERE x.number > 0
$$;

-- Of such data those of p_stays stay; what of the other record they exclude goes, and a goal that is open
-- in both ends there. How many of what.
CREATE OR REPLACE FUNCTION client_merge_choose(p_stays uuid, p_goes uuid) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    v_left CONSTANT jsonb := (SELECT coalesce(jsonb_object_agg(what, number), '{}')
                              FROM client_merge_exclusive(p_goes, p_stays));
BEGIN
    DELETE FROM activity_import a USING activity_import b
    WHERE a.client_id = p_goes AND b.client_id = p_stays AND b.sha256 = a.sha256;
    DELETE FROM activity a USING activity b
    WHERE a.client_id = p_goes AND b.client_id = p_stays AND b.period && a.period;
    DELETE FROM measurement a USING measurement b WHERE a.client_id = p_goes AND b.client_id = p_stays
        AND (b.kind, b.measured_on) = (a.kind, a.measured_on);
    UPDATE progress_goal a SET ended = true FROM progress_goal b
    WHERE a.client_id = p_goes AND b.client_id = p_stays AND b.kind = a.kind
      AND NOT a.ended AND NOT b.ended;
    DELETE FROM nutrition_profile a USING nutrition_profile b
    WHERE a.client_id = p_goes AND b.client_id = p_stays;
    RETURN v_left;
END $$;

-- What cannot be twice of one person: channels, consents in force. A no by either stays a no.
CREATE OR REPLACE FUNCTION client_merge_once(p_kept uuid, p_gone uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE contact_channel k SET agreed = false, preferred = false, updated_at = now()
    FROM contact_channel g
    WHERE k.client_id = p_kept AND g.client_id = p_gone AND g.channel = k.channel
      AND g.address = k.address AND k.agreed AND NOT g.agreed;
    INSERT INTO client_alias (kind, value, client_id)
    SELECT 'phone', '+' || g.address, p_kept FROM contact_channel g JOIN contact_channel k
        ON k.client_id = p_kept AND k.channel = g.channel AND k.address <> g.address
    WHERE g.client_id = p_gone AND g.channel = 'whatsapp'
    ON CONFLICT DO NOTHING;
    DELETE FROM contact_channel x WHERE x.client_id = p_gone AND EXISTS (
        SELECT FROM contact_channel y WHERE y.client_id = p_kept AND y.channel = x.channel);
    UPDATE consent g SET superseded_by = k.id, client_id = p_kept FROM consent k
    WHERE g.client_id = p_gone AND k.client_id = p_kept AND g.purpose = k.purpose
      AND g.reference_id IS NOT DISTINCT FROM k.reference_id
      AND g.revoked_at IS NULL AND k.revoked_at IS NULL
      AND g.superseded_by IS NULL AND k.superseded_by IS NULL;
    DELETE FROM client_alias g USING client_alias k
    WHERE g.client_id = p_gone AND k.client_id = p_kept AND (g.kind, g.value) = (k.kind, k.value);
    DELETE FROM client_not_same WHERE (one_id, other_id) = (least(p_kept, p_gone), greatest(p_kept, p_gone));
    INSERT INTO client_not_same (one_id, other_id, said_by, at)
    SELECT least(p_kept, x.third), greatest(p_kept, x.third), x.said_by, x.at
    FROM (SELECT CASE WHEN one_id = p_gone THEN other_id ELSE one_id END AS third, said_by, at
          FROM client_not_same WHERE p_gone IN (one_id, other_id)) x
    ON CONFLICT DO NOTHING;
    DELETE FROM client_not_same WHERE p_gone IN (one_id, other_id);
END $$;

-- The record that is kept, with the values that were chosen: {name, email, phone, locale,
-- preferred_provider_id: 'kept' or 'gone', signs_in: whether the other e-mail does too}. Where one has
-- nothing, the other's is taken; the other e-mail and number are kept as aliases.
CREATE OR REPLACE FUNCTION client_merge_record(k client, g client, p_choices jsonb) RETURNS client
LANGUAGE plpgsql AS $$
DECLARE
    r client := k;
    v_note CONSTANT text := concat_ws(E'\n', nullif(k.note, ''), nullif(g.note, ''));
BEGIN
    r.name := CASE WHEN p_choices->>'name' = 'gone' THEN g.name ELSE k.name END;
    r.email := CASE WHEN p_choices->>'email' = 'gone' THEN coalesce(g.email, k.email)
                    ELSE coalesce(k.email, g.email) END;
    r.phone := CASE WHEN p_choices->>'phone' = 'gone' THEN coalesce(g.phone, k.phone)
                    ELSE coalesce(k.phone, g.phone) END;
    r.locale := CASE WHEN p_choices->>'locale' = 'gone' THEN coalesce(g.locale, k.locale)
                     ELSE coalesce(k.locale, g.locale) END;
    r.preferred_provider_id := coalesce(k.preferred_provider_id, g.preferred_provider_id);
    r.tags := coalesce((SELECT array_agg(t) FROM (SELECT DISTINCT unnest(k.tags || g.tags) AS t
                        ORDER BY t LIMIT 20) x), '{}');
    r.note := CASE WHEN length(v_note) <= 2000 THEN v_note ELSE k.note END;
    IF k.blocked_at IS NULL THEN
        r.blocked_at := g.blocked_at;
        r.blocked_reason := g.blocked_reason;
        r.blocked_by := g.blocked_by;
    END IF;
    IF length(v_note) > 2000 THEN
        INSERT INTO client_note (client_id, readers, text, author_id, author_name)
        VALUES (k.id, 'desk', g.note, '', '');
    END IF;
    INSERT INTO client_alias (kind, value, client_id, signs_in)
    SELECT x.kind, x.value, k.id, x.kind = 'email' AND coalesce((p_choices->>'signs_in')::boolean, false)
    FROM (VALUES ('email', k.email, r.email), ('email', g.email, r.email),
                 ('phone', k.phone, r.phone), ('phone', g.phone, r.phone)) x(kind, value, chosen)
    WHERE x.value IS NOT NULL AND x.value <> x.chosen
    ON CONFLICT DO NOTHING;
    RETURN r;
END $$;

-- Makes p_gone part of p_kept. Locks the bookings of both before the records, as those who change a
-- booking do, and both in order of their keys. Whoever is in the way goes first: a merge gives up before
-- the server would have to break a deadlock, and is asked for again. Runs as the owner of the tables:
-- evidence is not the app's to write.
CREATE OR REPLACE FUNCTION client_merge(p_actor jsonb, p_kept uuid, p_gone uuid, p_request jsonb)
RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
SET lock_timeout = '700ms' AS $$
DECLARE
    k client;
    g client;
    r client;
    v_merge CONSTANT uuid := uuidv7();
    v_moved jsonb;
    v_left jsonb;
BEGIN
    IF p_kept = p_gone THEN
        PERFORM refuse('merge_itself', 'These are the same record.', 'other_id');
    END IF;
    PERFORM FROM booking WHERE client_id IN (p_kept, p_gone) ORDER BY id FOR UPDATE;
    PERFORM FROM payment WHERE client_id IN (p_kept, p_gone) ORDER BY id FOR UPDATE;
    PERFORM FROM client WHERE id IN (p_kept, p_gone) ORDER BY id FOR UPDATE;
    SELECT * INTO k FROM client WHERE id = p_kept;
    SELECT * INTO g FROM client WHERE id = p_gone;
    IF k.id IS NULL OR g.id IS NULL OR k.merged_into IS NOT NULL OR g.merged_into IS NOT NULL THEN
        PERFORM refuse('not_found', 'There is no such client.', 'other_id');
    END IF;
    IF k.version <> (p_request->>'version')::integer
       OR g.version <> (p_request->>'other_version')::integer THEN
        PERFORM refuse('stale_version', 'Somebody else changed one of them meanwhile.', 'version');
    END IF;
    IF has_clinical_file(p_gone) THEN
        PERFORM refuse('merge_clinical',
            'The record that would go has a clinical file, which the law ties to it.', 'other_id');
    END IF;
    INSERT INTO client_merge (id, kept_id, gone_id, moved, actor_kind, actor_id)
    VALUES (v_merge, p_kept, p_gone, '{}', p_actor->>'kind', coalesce(p_actor->>'id', ''));
    PERFORM client_merge_once(p_kept, p_gone);
    v_left := CASE p_request->'choices'->>'exclusive'
        WHEN 'kept' THEN client_merge_choose(p_kept, p_gone)
        WHEN 'gone' THEN client_merge_choose(p_gone, p_kept) ELSE '{}' END;
    v_moved := client_merge_rows(p_kept, p_gone);
    UPDATE booking SET held_by = p_kept::text WHERE held_by = p_gone::text AND client_id = p_kept;
    UPDATE client SET merged_into = p_kept WHERE merged_into = p_gone;
    DELETE FROM session WHERE client_id = p_gone;
    DELETE FROM sign_in_link WHERE client_id = p_gone;
    v_moved := v_moved || jsonb_build_object(
        'ledger', client_merge_books(p_actor, v_merge, p_kept, p_gone));
    UPDATE client_merge SET moved = v_moved WHERE id = v_merge;
    UPDATE client SET name = '-', email = NULL, phone = NULL, note = '', tags = '{}',
        preferred_provider_id = NULL, blocked_at = NULL, blocked_reason = '', blocked_by = '',
        merged_into = p_kept, version = version + 1, updated_at = now()
    WHERE id = p_gone;
    r := client_merge_record(k, g, coalesce(p_request->'choices', '{}'));
    UPDATE client SET name = r.name, email = r.email, phone = r.phone, locale = r.locale,
        note = r.note, tags = r.tags, preferred_provider_id = r.preferred_provider_id,
        blocked_at = r.blocked_at, blocked_reason = r.blocked_reason, blocked_by = r.blocked_by,
        version = version + 1, updated_at = now()
    WHERE id = p_kept;
    PERFORM audit_record(p_actor, 'client.merged', 'client', p_kept::text,
        jsonb_build_object('gone', p_gone, 'moved', v_moved, 'left_out', v_left));
    RETURN v_moved;
END $$;

-- An e-mail that a record is given is that record's, whoever had it beside another once.
CREATE OR REPLACE FUNCTION client_takes_address() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM client_alias WHERE kind = 'email' AND value = NEW.email;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER client_takes_address AFTER INSERT OR UPDATE OF email ON client
    FOR EACH ROW WHEN (NEW.email IS NOT NULL) EXECUTE FUNCTION client_takes_address();

-- Records that may be of one person, and by what: the same number, the same mailbox (whatever dots and
-- +tags it is written with), the same name. What more than five have in common says nothing.
CREATE OR REPLACE FUNCTION client_pairs(p_limit integer)
RETURNS TABLE (one uuid, other uuid, why text[]) LANGUAGE sql STABLE AS $$
    WITH shared AS (
        SELECT 'phone' AS why, array_agg(c.id) AS ids FROM client c
        WHERE c.merged_into IS NULL AND length(c.phone_tail) = 8
        GROUP BY c.phone_tail HAVING count(*) BETWEEN 2 AND 5
        UNION ALL
        SELECT 'email', array_agg(c.id) FROM client c WHERE c.merged_into IS NULL AND c.email IS NOT NULL
        GROUP BY mailbox(c.email) HAVING count(*) BETWEEN 2 AND 5
        UNION ALL
        SELECT 'name', array_agg(c.id) FROM client c
        WHERE c.merged_into IS NULL AND length(c.plain_name) > 1
        GROUP BY c.plain_name HAVING count(*) BETWEEN 2 AND 5
    ), pair AS (
        SELECT a AS one, b AS other, array_agg(s.why ORDER BY s.why) AS why
        FROM shared s, unnest(s.ids) a, unnest(s.ids) b WHERE a < b GROUP BY a, b
    )
    SELECT p.one, p.other, p.why FROM pair p
    JOIN client x ON x.id = p.one JOIN client y ON y.id = p.other
    WHERE NOT (p.why = '{name}' AND coalesce(x.phone <> y.phone AND x.email <> y.email, false))
      AND NOT EXISTS (SELECT FROM client_not_same n WHERE (n.one_id, n.other_id) = (p.one, p.other))
    ORDER BY cardinality(p.why) DESC, 'phone' = ANY (p.why) DESC, p.one, p.other LIMIT p_limit
$$;

CREATE OR REPLACE FUNCTION mailbox(p text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT replace(split_part(split_part(p, '@', 1), '+', 1), '.', '') || '@' || split_part(p, '@', 2)
$$;

-- The same for one record, with names that are nearly the same.
CREATE OR REPLACE FUNCTION client_like(p_client uuid, p_limit integer)
RETURNS TABLE (other uuid, why text[]) LANGUAGE sql STABLE
SET pg_trgm.similarity_threshold = 0.55 AS $$
    SELECT o.id, array_remove(ARRAY[
               CASE WHEN mailbox(o.email) = mailbox(c.email) THEN 'email' END,
               CASE WHEN o.plain_name % c.plain_name THEN 'name' END,
               CASE WHEN o.phone_tail = c.phone_tail THEN 'phone' END], NULL)
    FROM client c JOIN LATERAL (
        SELECT n.* FROM client n WHERE n.plain_name % c.plain_name
        UNION SELECT n.* FROM client n WHERE n.phone_tail = c.phone_tail
    ) o ON o.id <> c.id AND o.merged_into IS NULL
    WHERE c.id = p_client AND NOT EXISTS (SELECT FROM client_not_same s
        WHERE (s.one_id, s.other_id) = (least(o.id, c.id), greatest(o.id, c.id)))
    ORDER BY o.phone_tail = c.phone_tail DESC NULLS LAST,
             similarity(o.plain_name, c.plain_name) DESC, o.id LIMIT p_limit
$$;

-- Puts a sign-in message into the outbox if the address is known; staff before clients. The token
-- is made when the message is sent, so that it is stored nowhere. Says nothing to the caller.
CREATE OR REPLACE FUNCTION sign_in_request(p_email text, p_next text, p_locale text)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_staff uuid;
    v_client uuid;
    v_locale text;
BEGIN
    SELECT id INTO v_staff FROM staff_user WHERE email = p_email AND active;
    SELECT id, locale INTO v_client, v_locale FROM client WHERE email = p_email;
    IF v_client IS NULL THEN
        SELECT c.id, c.locale INTO v_client, v_locale FROM client_alias a
        JOIN client c ON c.id = a.client_id
        WHERE a.kind = 'email' AND a.value = p_email AND a.signs_in;
    END IF;
    IF v_staff IS NULL AND v_client IS NULL THEN
        RETURN;
    END IF;
    INSERT INTO message (kind, recipient, locale, payload, dedupe_key)
    VALUES ('sign_in_link', p_email, coalesce(p_locale, v_locale),
            jsonb_build_object('staff_id', v_staff, 'next', p_next,
                'client_id', CASE WHEN v_staff IS NULL THEN v_client END),
            'sign_in_link:' || gen_random_uuid());
END $$;
