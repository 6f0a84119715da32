-- What the team's first page counts each time that it is opened.
CREATE INDEX message_failed ON message (created_at) WHERE state = 'failed';
CREATE INDEX withdrawal_request_open ON withdrawal_request (created_at) WHERE answered_at IS NULL;
