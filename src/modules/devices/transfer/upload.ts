import type { IncomingHttpHeaders } from 'node:http';
import { finished, type Readable } from 'node:stream';
import { Busboy, type BusboyHeaders, type BusboyInstance } from '@fastify/busboy';
import { commonErrors } from '#kernel/errors.ts';
import { unreadableFile } from './csv.columns.ts';

const UPLOAD_LIMITS = { files: 1, fields: 10, parts: 12, fieldSize: 1_024, fieldNameSize: 100, headerPairs: 20 };

/**
 * Reads `multipart/form-data` (RFC 7578) with one file, whatever its field is called; other fields are not looked at.
 * @throws AppError `device_import_unreadable` when there is no file, several, or no such form; `body_too_large`
 */
export function readUpload(headers: IncomingHttpHeaders, body: Readable, maxBytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let form: BusboyInstance;
    try {
      form = new Busboy({ headers: headers as BusboyHeaders, limits: UPLOAD_LIMITS });
    } catch (error) {
      reject(unreadableFile('the Content-Type of a form has to name its boundary', error));
      return;
    }
    let file: Buffer | undefined;
    let bytes = 0;
    const refuse = (error: unknown) => {
      body.unpipe(form);
      body.resume();
      reject(error);
    };
    const cannotBeRead = (error: unknown) => refuse(unreadableFile('the form cannot be read', error));
    form.on('file', (_field, stream) => {
      const parts: Buffer[] = [];
      stream.on('error', cannotBeRead);
      stream.on('data', (part: Buffer) => parts.push(part));
      stream.on('end', () => {
        file = Buffer.concat(parts);
      });
    });
    form.on('filesLimit', () => refuse(unreadableFile('the form has more than one file')));
    form.on('error', cannotBeRead);
    form.on('finish', () => (file === undefined ? refuse(unreadableFile('the form has no file')) : resolve(file)));
    // Fastify counts only what it reads itself.
    body.on('data', (part: Buffer) => {
      bytes += part.length;
      if (bytes > maxBytes) refuse(commonErrors.body_too_large());
    });
    finished(body, (error) => {
      if (error) reject(error);
    });
    body.pipe(form);
  });
}
