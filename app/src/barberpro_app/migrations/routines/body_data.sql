-- Activities, measures and meal plans: none without consent, gone when it is withdrawn, signed by
-- whoever may.

-- Deletes what was kept under one consent.
CREATE OR REPLACE FUNCTION body_data_forget(p_client uuid, p_purpose text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF p_purpose = 'activity_data' THEN
        DELETE FROM activity_import WHERE client_id = p_client;
    ELSIF p_purpose = 'progress_data' THEN
        DELETE FROM measurement WHERE client_id = p_client;
        DELETE FROM progress_goal WHERE client_id = p_client;
    ELSIF p_purpose = 'nutrition_data' THEN
        DELETE FROM nutrition_plan WHERE client_id = p_client;
        DELETE FROM nutrition_profile WHERE client_id = p_client;
    END IF;
END $$;

-- Whoever withdraws a consent, by whatever page. The lock waits for what is being written under it.
CREATE OR REPLACE FUNCTION body_data_withdrawn() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM client WHERE id = NEW.client_id FOR UPDATE;
    PERFORM body_data_forget(NEW.client_id, NEW.purpose);
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER consent_withdrawn_body_data AFTER UPDATE OF revoked_at ON consent
    FOR EACH ROW WHEN (OLD.revoked_at IS NULL AND NEW.revoked_at IS NOT NULL
        AND NEW.purpose IN ('activity_data', 'progress_data', 'nutrition_data'))
    EXECUTE FUNCTION body_data_withdrawn();

-- Nothing is kept without the consent that the trigger names.
CREATE OR REPLACE FUNCTION body_data_needs_consent() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM client WHERE id = NEW.client_id FOR KEY SHARE;
    IF NOT EXISTS (SELECT FROM consent WHERE client_id = NEW.client_id AND purpose = TG_ARGV[0]
                   AND reference_id IS NULL AND revoked_at IS NULL) THEN
        PERFORM refuse('consent_needed', TG_ARGV[0]);
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER activity_import_consent BEFORE INSERT ON activity_import
    FOR EACH ROW EXECUTE FUNCTION body_data_needs_consent('activity_data');
CREATE OR REPLACE TRIGGER measurement_consent BEFORE INSERT ON measurement
    FOR EACH ROW EXECUTE FUNCTION body_data_needs_consent('progress_data');
CREATE OR REPLACE TRIGGER progress_goal_consent BEFORE INSERT ON progress_goal
    FOR EACH ROW EXECUTE FUNCTION body_data_needs_consent('progress_data');
CREATE OR REPLACE TRIGGER nutrition_profile_consent BEFORE INSERT ON nutrition_profile
    FOR EACH ROW EXECUTE FUNCTION body_data_needs_consent('nutrition_data');
CREATE OR REPLACE TRIGGER nutrition_plan_consent BEFORE INSERT ON nutrition_plan
    FOR EACH ROW EXECUTE FUNCTION body_data_needs_consent('nutrition_data');

-- Whether the client is attended by the provider and lets those who do see these data.
CREATE OR REPLACE FUNCTION body_data_shared(p_client uuid, p_provider uuid) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT clinical_own_patient(p_client, p_provider)
       AND EXISTS (SELECT FROM consent WHERE client_id = p_client AND purpose = 'share_progress'
                   AND reference_id IS NULL AND revoked_at IS NULL)
$$;

-- A nutritionist whose licence is on file and in time; where licences are verified, verified as well.
CREATE OR REPLACE FUNCTION nutrition_may_sign(p_provider uuid) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT provider_bookable(p_provider) AND EXISTS (
        SELECT FROM nutritionist n JOIN provider p ON p.id = n.provider_id
        WHERE n.provider_id = p_provider AND p.active
          AND (n.valid_until IS NULL OR n.valid_until >= (now() AT TIME ZONE 'Etc/GMT+12')::date))
$$;

CREATE OR REPLACE FUNCTION nutrition_signature_checked() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT nutrition_may_sign(NEW.provider_id) THEN
        PERFORM refuse('nutritionist_needed', 'Only a licensed nutritionist signs a plan.');
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER nutrition_signature_by_nutritionist BEFORE INSERT ON nutrition_signature
    FOR EACH ROW EXECUTE FUNCTION nutrition_signature_checked();

-- The person is told that there is a plan to see; what is in it stays in the account.
CREATE OR REPLACE FUNCTION nutrition_tell() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO message (kind, recipient, client_id, locale, payload, dedupe_key)
    SELECT 'nutrition_signed', c.email, c.id, c.locale, jsonb_build_object('name', c.name),
           'nutrition_signed:' || NEW.plan_id || ':' || NEW.number
    FROM nutrition_plan p JOIN client c ON c.id = p.client_id
    WHERE p.id = NEW.plan_id AND c.email IS NOT NULL
    ON CONFLICT (dedupe_key) DO NOTHING;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER nutrition_signature_told AFTER INSERT ON nutrition_signature
    FOR EACH ROW EXECUTE FUNCTION nutrition_tell();

CREATE OR REPLACE FUNCTION nutrition_is_fixed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a version of a plan and its signature never change'
        USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE OR REPLACE TRIGGER nutrition_version_fixed BEFORE UPDATE ON nutrition_version
    FOR EACH ROW EXECUTE FUNCTION nutrition_is_fixed();
CREATE OR REPLACE TRIGGER nutrition_signature_fixed BEFORE UPDATE ON nutrition_signature
    FOR EACH ROW EXECUTE FUNCTION nutrition_is_fixed();

-- Each version of each plan, with its signature where there is one.
CREATE OR REPLACE VIEW nutrition_document AS
SELECT p.id, p.client_id, p.latest, p.ended, v.number, v.document, encode(v.sha256, 'hex') AS sha256,
       v.author_name, v.created_at, s.signer_name, s.licence_number, s.jurisdiction, s.signed_at
FROM nutrition_plan p JOIN nutrition_version v ON v.plan_id = p.id
LEFT JOIN nutrition_signature s ON s.plan_id = v.plan_id AND s.number = v.number;
