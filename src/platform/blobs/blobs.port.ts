import type { Component } from '#kernel/lifecycle.ts';

/** Large files, whatever they mean. Each is written once, as a whole, and never changed. */
export interface BlobStore extends Component {
  /**
   * Writes a file as it comes, no faster than it can be kept.
   * @param id 1 to 64 letters, digits, `_` and `-`; new
   * @returns its size in bytes, when it is on disk. When `source` fails, or anything else, nothing is left of it
   * @throws AppError `unavailable`; what `source` throws
   */
  write(id: string, source: AsyncIterable<Uint8Array>): Promise<number>;
  /**
   * Reads a file, or a part of it. Whoever stops iterating ends the reading.
   * @param range bytes, both inclusive
   * @throws AppError `blob_not_found`, `unavailable`; also in the middle
   */
  read(id: string, range?: { readonly start: number; readonly end: number }): AsyncIterable<Uint8Array>;
  /** @returns its size in bytes; null: there is no such file. @throws AppError `unavailable` */
  sizeOf(id: string): Promise<number | null>;
  /** Also what is left of one that was not finished. One that is not there is no error. @throws AppError `unavailable` */
  remove(id: string): Promise<void>;
  /** Every whole file, in no order. @throws AppError `unavailable` */
  list(): AsyncIterable<{ readonly id: string; readonly size: number }>;
  /** Ids of files that are being written, or were when their process was killed, in no order. @throws AppError `unavailable` */
  unfinished(): AsyncIterable<string>;
}
