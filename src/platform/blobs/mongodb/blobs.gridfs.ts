import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { GridFSBucketWriteStream } from 'mongodb';
import { isAppError } from '#kernel/errors.ts';
import type { MongodbConnection } from '#platform/mongodb/mongodb-connection.ts';
import { blobErrors, blobsAway } from '../blobs.errors.ts';
import type { BlobStore } from '../blobs.port.ts';

const BUCKET = 'blobs';
/** Files are named by their entry, which is written last: what has chunks and no entry is none. */
const FILES = `${BUCKET}.files`;
const CHUNKS = `${BUCKET}.chunks`;

/** GridFS: https://www.mongodb.com/docs/manual/core/gridfs/. Starts after its connection. */
export function createGridfsBlobStore({ connection }: { readonly connection: MongodbConnection }): BlobStore {
  const { run } = connection;
  const files = () => connection.collection<{ _id: string; length: number }>(FILES);
  const chunks = () => connection.collection<{ files_id: string }>(CHUNKS);
  const idOf = (id: string) => id as never;

  async function sizeOf(id: string): Promise<number | null> {
    const found = await run(() => files().findOne({ _id: id }, { projection: { length: 1 } }));
    return found === null ? null : found.length;
  }

  async function discard(id: string): Promise<void> {
    await run(() => files().deleteOne({ _id: id }));
    await run(() => chunks().deleteMany({ files_id: id }));
  }

  return {
    name: 'files',
    async write(id, source) {
      let failure: unknown;
      async function* watched() {
        try {
          yield* source;
        } catch (error) {
          failure = error;
          throw error;
        }
      }
      const upload: GridFSBucketWriteStream = connection.bucket(BUCKET).openUploadStreamWithId(idOf(id), id);
      try {
        await pipeline(Readable.from(watched(), { objectMode: false, highWaterMark: 1 }), upload);
        return upload.length;
      } catch (error) {
        await discard(id).catch(() => {});
        if (failure !== undefined) throw failure;
        throw isAppError(error) ? error : blobsAway(error);
      }
    },
    async *read(id, range) {
      const size = await sizeOf(id);
      if (size === null) throw blobErrors.blob_not_found();
      if (size === 0) return;
      // Its end is exclusive.
      const part = range === undefined ? {} : { start: range.start, end: range.end + 1 };
      const download = connection.bucket(BUCKET).openDownloadStream(idOf(id), part);
      try {
        for await (const chunk of download) yield chunk as Buffer;
      } catch (error) {
        throw blobsAway(error);
      } finally {
        await download.abort().catch(() => {});
      }
    },
    sizeOf,
    remove: discard,
    async *list() {
      const cursor = files().find({}, { projection: { length: 1 } });
      for await (const { _id, length } of cursor) yield { id: _id, size: length };
    },
    /** From file to file along the index of the chunks. */
    async *unfinished() {
      let last = '';
      for (;;) {
        const after = { files_id: { $gt: last } };
        const options = { sort: { files_id: 1 as const }, projection: { files_id: 1 } };
        const next = await run(() => chunks().findOne(after, options));
        if (next === null) return;
        last = next.files_id;
        if ((await sizeOf(last)) === null) yield last;
      }
    },
  };
}
