import { promisify } from 'node:util';
import { brotliDecompress, constants, gunzip, inflate, type ZstdOptions, zstdDecompress } from 'node:zlib';
import { commonErrors } from '#kernel/errors.ts';

/**
 * A few bytes can ask for a window of 16 MiB (brotli) or 128 MiB (zstd), which then has to be filled. 8 MiB is what
 * https://www.rfc-editor.org/rfc/rfc9659 allows zstd on the web; 4 MiB is what encoders of brotli take by themselves.
 */
const ZSTD_WINDOW_BITS = 23;
const BROTLI_WINDOW_BITS = 22;
const PART_BYTES = 64 * 1024;

type Decode = (encoded: Buffer, limit: number) => Promise<Buffer>;

const [ungzip, undeflate, unbrotli, unzstd] = [
  promisify(gunzip),
  promisify(inflate),
  promisify(brotliDecompress),
  // Its promisified form lacks the options.
  promisify(
    zstdDecompress as (encoded: Buffer, options: ZstdOptions, done: (e: Error | null, b: Buffer) => void) => void,
  ),
];
const within = (limit: number) => ({ maxOutputLength: limit, chunkSize: PART_BYTES });
const decodeGzip: Decode = (encoded, limit) => ungzip(encoded, within(limit));

/** Encoding of a body → what decodes it. https://www.rfc-editor.org/rfc/rfc9110#section-8.4.1 */
const DECODERS: Readonly<Record<string, Decode>> = {
  gzip: decodeGzip,
  'x-gzip': decodeGzip,
  deflate: (encoded, limit) => undeflate(encoded, within(limit)),
  async br(encoded, limit) {
    if (brotliWindowBits(encoded[0] ?? 0) > BROTLI_WINDOW_BITS) throw windowTooLarge();
    return await unbrotli(encoded, within(limit));
  },
  zstd: (encoded, limit) =>
    unzstd(encoded, { ...within(limit), params: { [constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_BITS } }),
};
export const ENCODINGS = 'gzip, deflate, br, zstd';

/** @returns undefined for a body as it is, null for an encoding that is not known */
export function decoderOf(contentEncoding: string | undefined): Decode | undefined | null {
  const encoding = contentEncoding?.trim().toLowerCase();
  if (encoding === undefined || encoding === '' || encoding === 'identity') return undefined;
  return Object.hasOwn(DECODERS, encoding) ? (DECODERS[encoding] ?? null) : null;
}

/** What went wrong, for whoever sent it. */
export function decodingError(thrown: unknown, tooLarge: () => Error): unknown {
  const { code } = thrown as { readonly code?: string };
  if (code === 'ERR_BUFFER_TOO_LARGE') return tooLarge();
  return code === 'ZSTD_error_frameParameter_windowTooLarge' ? windowTooLarge() : thrown;
}

const windowTooLarge = () =>
  commonErrors.unsupported_content_encoding({
    detail: `The window of br may have ${BROTLI_WINDOW_BITS} bits, that of zstd ${ZSTD_WINDOW_BITS}.`,
  });

/** https://www.rfc-editor.org/rfc/rfc7932#section-9.1: those above 17 are in four bits; smaller ones do not matter. */
function brotliWindowBits(first: number): number {
  return (first & 1) === 0 ? 16 : 17 + ((first >> 1) & 7);
}
