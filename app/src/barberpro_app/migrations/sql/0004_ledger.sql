-- The books: double entry. An entry's lines add up to zero; nothing that was written changes.
--
-- The app's role may read and call ledger_post(), nothing else (see migrations/run.py). Triggers say
-- the same to whoever owns the tables: lines that do not balance are refused at commit, and rows are
-- neither changed nor removed. A mistake is corrected by an entry that says so.
--
-- Amounts are bigint hundredths of the entry's currency; a debit is positive, a credit negative.
-- client_id and reference_id have no foreign key: the books outlive whom and what they are about.

CREATE TABLE ledger_account (
    code text PRIMARY KEY CHECK (code ~ '^[a-z][a-z0-9-]{1,39}$'),
    kind text NOT NULL CHECK (kind IN ('asset', 'liability', 'equity', 'revenue', 'expense')),
    by_client boolean NOT NULL DEFAULT false
);

-- A new kind of money (gift cards, coupons, commissions, a till) is rows here and entries of its own.
INSERT INTO ledger_account (code, kind, by_client) VALUES
    ('cash', 'asset', false),
    ('bank', 'asset', false),
    ('mercado-pago', 'asset', false),
    ('receivable', 'asset', true),
    ('deposits', 'liability', true),
    ('packages', 'liability', true),
    ('points', 'liability', true),
    ('suspense', 'liability', false),
    ('revenue', 'revenue', false),
    ('deposits-kept', 'revenue', false),
    ('packages-expired', 'revenue', false),
    ('refunds', 'revenue', false),
    ('points-granted', 'expense', false),
    ('fees', 'expense', false);

CREATE TABLE ledger_entry (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    at timestamptz NOT NULL DEFAULT now(),
    kind text NOT NULL CHECK (kind ~ '^[a-z][a-z0-9_.]{1,59}$'),
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    reference_kind text NOT NULL,
    reference_id text NOT NULL CHECK (length(reference_id) <= 100),
    actor_kind text NOT NULL,
    actor_id text NOT NULL,
    key text NOT NULL UNIQUE CHECK (length(key) BETWEEN 1 AND 200),
    content_hash text NOT NULL
);
CREATE INDEX ledger_entry_reference ON ledger_entry (reference_kind, reference_id);
CREATE INDEX ledger_entry_at ON ledger_entry (at);

CREATE TABLE ledger_line (
    entry_id uuid NOT NULL REFERENCES ledger_entry,
    number integer NOT NULL CHECK (number BETWEEN 1 AND 100),
    account text NOT NULL REFERENCES ledger_account,
    client_id uuid,
    amount bigint NOT NULL CHECK (amount <> 0 AND abs(amount) <= 1000000000000000),
    PRIMARY KEY (entry_id, number)
);
CREATE INDEX ledger_line_account ON ledger_line (account, client_id);
CREATE INDEX ledger_line_client ON ledger_line (client_id) WHERE client_id IS NOT NULL;

CREATE FUNCTION ledger_check() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    v_entry CONSTANT uuid :=
        coalesce(to_jsonb(NEW)->>'entry_id', to_jsonb(NEW)->>'id')::uuid;
    v_sum numeric;
    v_count integer;
BEGIN
    SELECT coalesce(sum(amount), 0), count(*) INTO v_sum, v_count
    FROM ledger_line WHERE entry_id = v_entry;
    IF v_sum <> 0 OR v_count < 2 THEN
        RAISE EXCEPTION 'entry % does not balance: % lines, sum %', v_entry, v_count, v_sum
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER ledger_entry_balances AFTER INSERT ON ledger_entry
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_check();
CREATE CONSTRAINT TRIGGER ledger_line_balances AFTER INSERT ON ledger_line
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_check();

CREATE FUNCTION ledger_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger is append only' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER ledger_entry_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_entry
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_is_append_only();
CREATE TRIGGER ledger_line_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_line
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_is_append_only();

-- Writes one entry and gives its key; the same p_key with the same content gives the first one's.
-- p_lines: [{account, client_id?, amount}]; lines of nothing are left out, and an entry of nothing
-- is none (null). Runs as the owner of the tables: the app's role cannot write them itself.
CREATE FUNCTION ledger_post(
    p_actor jsonb, p_kind text, p_currency text, p_reference jsonb, p_key text, p_lines jsonb
) RETURNS uuid LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v_lines CONSTANT jsonb := coalesce((SELECT jsonb_agg(l ORDER BY n)
        FROM jsonb_array_elements(p_lines) WITH ORDINALITY AS x(l, n)
        WHERE (l->>'amount')::bigint <> 0), '[]');
    v_hash CONSTANT text := md5(p_kind || p_currency || p_reference::text || v_lines::text);
    v_sum numeric;
    v_wrong text;
    v_id uuid;
    v_stored text;
BEGIN
    IF jsonb_array_length(v_lines) = 0 THEN
        RETURN NULL;
    END IF;
    SELECT sum((l->>'amount')::bigint) INTO v_sum FROM jsonb_array_elements(v_lines) l;
    IF v_sum <> 0 THEN
        PERFORM refuse('unbalanced', 'The lines add up to ' || v_sum || ', not to zero.', 'lines');
    END IF;
    SELECT l->>'account' INTO v_wrong
    FROM jsonb_array_elements(v_lines) l LEFT JOIN ledger_account a ON a.code = l->>'account'
    WHERE a.code IS NULL OR a.by_client <> (l->>'client_id' IS NOT NULL) LIMIT 1;
    IF FOUND THEN
        PERFORM refuse('account', 'No such account, or it is not kept (or is kept) by client: '
            || coalesce(v_wrong, '?'), 'lines');
    END IF;
    INSERT INTO ledger_entry (kind, currency, reference_kind, reference_id, actor_kind, actor_id,
                              key, content_hash)
    VALUES (p_kind, p_currency, p_reference->>'kind', p_reference->>'id', p_actor->>'kind',
            coalesce(p_actor->>'id', ''), p_key, v_hash)
    ON CONFLICT (key) DO NOTHING RETURNING id INTO v_id;
    IF v_id IS NULL THEN
        SELECT id, content_hash INTO v_id, v_stored FROM ledger_entry WHERE key = p_key;
        IF v_stored <> v_hash THEN
            PERFORM refuse('idempotency_key_reused', 'This key belongs to another entry.', 'key');
        END IF;
        RETURN v_id;
    END IF;
    INSERT INTO ledger_line (entry_id, number, account, client_id, amount)
    SELECT v_id, n, l->>'account', (l->>'client_id')::uuid, (l->>'amount')::bigint
    FROM jsonb_array_elements(v_lines) WITH ORDINALITY AS x(l, n);
    RETURN v_id;
END $$;

-- One line of p_lines of ledger_post.
CREATE FUNCTION ledger_part(p_account text, p_amount bigint, p_client uuid DEFAULT NULL)
RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT jsonb_strip_nulls(jsonb_build_object(
        'account', p_account, 'amount', p_amount, 'client_id', p_client))
$$;
