-- Photographs wait for their client's yes, which is asked by a link.

ALTER TABLE portfolio_item
    ALTER COLUMN consent_id DROP NOT NULL,
    ADD COLUMN booking_id uuid REFERENCES booking,
    DROP CONSTRAINT portfolio_item_state_check,
    ADD CONSTRAINT portfolio_item_state_check CHECK (state IN
        ('asked', 'refused', 'pending', 'published', 'rejected', 'withdrawn')),
    ADD CHECK (consent_id IS NOT NULL OR state IN ('asked', 'refused'));
CREATE INDEX portfolio_asked ON portfolio_item (created_at) WHERE state = 'asked';

ALTER TABLE consent
    DROP CONSTRAINT consent_how_check,
    ADD CONSTRAINT consent_how_check CHECK (how IN ('own_session', 'in_person', 'by_link'));
