import { defineErrors } from '#kernel/errors.ts';

export const telemetryErrors = defineErrors({
  invalid_range: ['invalid', '`start` must be before `end`.'],
  ingest_overloaded: ['unavailable', 'The store is not keeping up; nothing of this request was taken.'],
  invalid_ingest_body: ['invalid', 'The body must be a JSON object, a JSON array or NDJSON.'],
});
