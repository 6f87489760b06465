import type { Readable } from 'node:stream';
import { Type } from 'typebox';
import { Strict } from '#platform/http/http.schemas.ts';
import { rangeQuery } from './analytics.schemas.ts';

export const TelemetryExportQuery = Strict({
  ...rangeQuery,
  format: Type.Enum(['csv', 'parquet'], { default: 'csv', description: 'Format of the file' }),
  metrics: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 8_192,
      description: 'Comma-separated; default: all that the device has, by name',
      examples: ['temperature,humidity'],
    }),
  ),
});

/** What the handler sends is a stream, whatever it carries. */
export const TelemetryExportFile = {
  description: 'The file, streamed',
  content: {
    'text/csv': {
      schema: Type.Unsafe<Readable>({ type: 'string', description: 'A header line, then a line a sample' }),
    },
    'application/vnd.apache.parquet': {
      schema: Type.Unsafe<Readable>({ type: 'string', format: 'binary', description: 'A Parquet file' }),
    },
  },
};
