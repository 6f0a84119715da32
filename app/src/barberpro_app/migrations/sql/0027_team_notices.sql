-- A yes to WhatsApp on the booking form. Whoever types an e-mail address has not shown that it is
-- theirs: until the person says yes once signed in, or the team does, such a channel (`proved` is
-- false) is used for bookings alone that were made with that very number.
ALTER TABLE contact_channel ADD COLUMN proved boolean NOT NULL DEFAULT true;
ALTER TABLE channel_consent
    DROP CONSTRAINT channel_consent_source_check,
    ADD CONSTRAINT channel_consent_source_check
        CHECK (source IN ('page', 'staff', 'api', 'message', 'booking'));
