import type { IncomingHttpHeaders } from 'node:http';
import { finished, PassThrough, type Readable } from 'node:stream';
import { Busboy, type BusboyHeaders, type BusboyInstance } from '@fastify/busboy';
import { firmwareErrors } from './firmware.errors.ts';

const LIMITS = { files: 2, fields: 10, parts: 12, fieldSize: 1_024, fieldNameSize: 100, headerPairs: 20 };

/**
 * The file of a form (`multipart/form-data`, RFC 7578), as it comes, whatever its field is called. Other fields are not looked at.
 * @throws AppError `firmware_invalid` when it is no such form, or has no file; what is read fails with it when the form has a second one
 */
export function fileOfForm(headers: IncomingHttpHeaders, body: Readable): Promise<Readable> {
  return new Promise((resolve, reject) => {
    let form: BusboyInstance;
    try {
      form = new Busboy({ headers: headers as BusboyHeaders, limits: LIMITS });
    } catch {
      reject(unreadable('the Content-Type of a form has to name its boundary'));
      return;
    }
    let file: PassThrough | undefined;
    const fail = (error: Error) => {
      body.unpipe(form);
      body.resume();
      file?.destroy(error);
      reject(error);
    };
    form.on('file', (_field, stream) => {
      if (file !== undefined) {
        stream.resume();
        file.destroy(unreadable('the form has more than one file'));
        return;
      }
      const kept = new PassThrough();
      // It may fail before anybody reads it, or when nobody does: an error without a listener would end the process.
      kept.on('error', () => {});
      stream.on('error', () => kept.destroy(unreadable('the form ends before its file does')));
      // It ends with the form: another file may follow.
      file = stream.pipe(kept, { end: false });
      resolve(file);
    });
    form.on('error', () => fail(unreadable('the form cannot be read')));
    form.on('finish', () => {
      if (file === undefined) fail(unreadable('the form has no file'));
      else file.end();
    });
    finished(body, (error) => {
      if (error) fail(error);
    });
    body.pipe(form);
  });
}

function unreadable(message: string): Error {
  return firmwareErrors.firmware_invalid({ details: { fields: [{ path: '/', message }] } });
}
