-- The Instagram account that posts go to; its token is in `sealed_setting`.

CREATE TABLE instagram_account (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    account_id text NOT NULL CHECK (length(account_id) BETWEEN 1 AND 40),
    username text NOT NULL CHECK (length(username) <= 60),
    connected_at timestamptz NOT NULL DEFAULT now(),
    -- a token is good for 60 days and is renewed long before that
    renew_at timestamptz NOT NULL,
    expires_at timestamptz,
    refused_at timestamptz
);

-- `removed_at`: of a post whose pair was withdrawn, that a person deleted it at Instagram.
ALTER TABLE social_post
    ADD COLUMN permalink text NOT NULL DEFAULT '' CHECK (length(permalink) <= 300),
    ADD COLUMN removed_at timestamptz,
    ADD COLUMN updated_at timestamptz NOT NULL DEFAULT now(),
    DROP CONSTRAINT social_post_state_check,
    ADD CONSTRAINT social_post_state_check CHECK (state IN
        ('pending', 'container', 'published', 'failed', 'withdrawn'));
DROP INDEX social_post_once;
CREATE UNIQUE INDEX social_post_once ON social_post (item_id)
    WHERE state NOT IN ('failed', 'withdrawn');
