import { createHash } from 'node:crypto';
import { backoffMs } from '#kernel/concurrency.ts';
import { type PartialImage, work } from './device-parts.ts';

export interface ImageSource {
  readonly url: string;
  /** Bytes. */
  readonly size: number;
  readonly sha256: string;
  readonly authorization: string;
}

/** The server does not give the image: another try would be answered likewise. */
export class DownloadRefused extends Error {
  constructor(status: number) {
    super(`the download was answered with ${status}`);
    this.name = 'DownloadRefused';
  }
}

/** An image comes in about ten parts: a device writes one to its flash before it asks for the next. */
const PARTS = 10;
const SMALLEST_PART = 1_024;
const LARGEST_PART = 4 * 1_024 * 1_024;
const LONGEST_RETRY_MS = 15_000;

export function emptyImage(sha256: string): PartialImage {
  return { sha256, hash: createHash('sha256'), received: 0, transferred: 0 };
}

/**
 * Downloads what is missing of the first `until` bytes, part by part; while the server is away, tries again.
 * @returns the image: another object when it had to begin anew
 * @throws DownloadRefused; the power's abort
 */
export async function downloadImage(
  source: ImageSource,
  partial: PartialImage,
  { until, stepMs, retryMs, power, onPart }: DownloadOptions,
): Promise<PartialImage> {
  let image = partial;
  let failures = 0;
  while (image.received < until) {
    const before = image.transferred;
    try {
      image = await downloadPart(source, image, until, power);
    } catch (error) {
      power.throwIfAborted();
      if (error instanceof DownloadRefused) throw error;
    }
    failures = image.transferred > before ? 0 : failures + 1;
    await onPart(image);
    const longestMs = Math.max(retryMs, LONGEST_RETRY_MS);
    const pauseMs = failures === 0 ? stepMs : backoffMs({ firstMs: retryMs, longestMs, jitter: 0.3 }, failures - 1);
    await work(pauseMs, power);
  }
  return image;
}

export interface DownloadOptions {
  readonly until: number;
  /** Between two parts. */
  readonly stepMs: number;
  /** After the first failure; longer after each further one. */
  readonly retryMs: number;
  readonly power: AbortSignal;
  /** After each part, one that did not come whole included. */
  onPart(image: PartialImage): Promise<void>;
}

async function downloadPart(
  { url, size, sha256, authorization }: ImageSource,
  partial: PartialImage,
  until: number,
  power: AbortSignal,
): Promise<PartialImage> {
  const part = Math.min(Math.max(Math.ceil(size / PARTS), SMALLEST_PART), LARGEST_PART);
  const last = Math.min(partial.received + part, until) - 1;
  const headers = { authorization, range: `bytes=${partial.received}-${last}`, 'if-range': `"${sha256}"` };
  const response = await fetch(url, { headers, signal: power });
  if (response.status !== 206 && response.status !== 200) {
    await response.body?.cancel();
    if (response.status < 500 && response.status !== 429) throw new DownloadRefused(response.status);
    return partial;
  }
  // Not the part, but all of it: from the start.
  const image = response.status === 206 ? partial : { ...emptyImage(sha256), transferred: partial.transferred };
  for await (const chunk of response.body ?? []) {
    power.throwIfAborted();
    image.hash.update(chunk);
    image.received += chunk.length;
    image.transferred += chunk.length;
  }
  return image;
}
