import { defineErrors } from '#kernel/errors.ts';

export const ingestErrors = defineErrors({
  ingest_overloaded: ['unavailable', 'The store is not keeping up; nothing of this request was taken.'],
  invalid_ingest_body: ['invalid', 'The body must be a JSON object, a JSON array or NDJSON.'],
});
