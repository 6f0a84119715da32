-- Which of a visit's bookings a refund is for.
ALTER TABLE refund ADD COLUMN booking_id uuid REFERENCES booking ON DELETE SET NULL;
CREATE INDEX ON refund (booking_id) WHERE booking_id IS NOT NULL;
