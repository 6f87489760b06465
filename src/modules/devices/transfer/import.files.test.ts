import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createDevicesHarness, type DevicesHarness } from '#test/support/devices.ts';

/* Files as people have them, and what they are told about those that cannot be read. */

const URL = '/api/v1/devices';

let h: DevicesHarness;
beforeEach(async () => {
  h = await createDevicesHarness();
});
afterEach(() => h.close());

const upload = (raw: string | Buffer, type = 'text/csv') =>
  h.app.request({
    method: 'POST',
    url: `${URL}/import`,
    as: h.actors.MANAGER,
    raw,
    headers: { 'content-type': type },
  });
const devices = async () =>
  (await h.app.request({ url: URL, as: h.actors.ADMIN, query: { sort: 'id', size: 100 } })).json().items;

function form(parts: readonly { field: string; file?: string; type?: string; text: string | Buffer }[]) {
  const pieces = parts.flatMap(({ field, file, type, text }) => [
    `--limit\r\ncontent-disposition: form-data; name="${field}"${file === undefined ? '' : `; filename="${file}"`}\r\n`,
    type === undefined ? '\r\n' : `content-type: ${type}\r\n\r\n`,
    text,
    '\r\n',
  ]);
  return Buffer.concat([...pieces, '--limit--\r\n'].map((piece) => Buffer.from(piece)));
}
const FORM = 'multipart/form-data; boundary=limit';

describe('a file is read', () => {
  test.each([
    ['with semicolons, as where the comma is a decimal mark', 'name;device_type;device_uid\nPump, big;pump;d-1\n'],
    ['with tabs', 'name\tdevice_type\tdevice_uid\nPump, big\tpump\td-1\n'],
    ['with a line that says its separator', '\uFEFFsep=;\r\nname;device_type;device_uid\r\nPump, big;pump;d-1\r\n'],
    ['with a separator of its own', 'sep=|\nname|device_type|device_uid\nPump, big|pump|d-1\n'],
    ['with headings as people write them', 'Name,Device Type,Device-UID\n"Pump, big",pump,d-1\n'],
    ['with empty headings above empty cells', 'name,,device_type,device_uid,,\n"Pump, big",,pump,d-1,,,,\n'],
    ['with semicolons in a quoted heading line', '"name","device_type","device_uid"\n"Pump, big","pump","d-1"\n'],
  ])('%s', async (_, file) => {
    expect((await upload(file)).json()).toMatchObject({ created: 1, failed: 0 });
    expect(await devices()).toMatchObject([{ name: 'Pump, big', device_type: 'pump', device_uid: 'd-1' }]);
  });

  test.each(['application/vnd.ms-excel', 'text/plain; charset=utf-8', 'application/csv', 'text/tab-separated-values'])(
    'called %s',
    async (type) => {
      expect((await upload('name,device_type\nPump,pump\n', type)).json()).toMatchObject({ created: 1 });
    },
  );

  test.each([
    ['pumps.csv', 'text/csv', 'name,device_type\nPump,pump\n'],
    ['pumps.csv', 'application/octet-stream', 'name;device_type\nPump;pump\n'],
    ['pumps.json', 'application/json', '[{"name": "Pump", "device_type": "pump"}]'],
  ])('%s (%s), uploaded with a form', async (file, type, text) => {
    const body = form([
      { field: 'note', text: 'not looked at' },
      { field: 'upload', file, type, text },
    ]);
    expect((await upload(body, FORM)).json()).toMatchObject({ created: 1, failed: 0 });
    expect(await devices()).toMatchObject([{ name: 'Pump', device_type: 'pump' }]);
  });

  test.each(['csv', 'json'])('that an export has written as %s, unchanged', async (format) => {
    const { id: groupId } = (
      await h.app.request({ method: 'POST', url: '/api/v1/device-groups', as: h.actors.ADMIN, body: { name: 'Hall' } })
    ).json();
    await h.device({ name: '=1+1', device_type: "'@x", device_uid: 'r-1', metadata: { text: 'a,"b"\n;c' } });
    await h.device({ name: ' blanks ', device_type: '센서', device_uid: 'r-2', owner_id: h.actors.USER.userId });
    await h.device({ name: 'q "x"; y', device_type: '-', device_uid: 'r-3', group_id: groupId });
    const before = await devices();
    const exported = await h.app.request({ url: `${URL}/export`, query: { format }, as: h.actors.MANAGER });
    for (const { id } of before) await h.app.request({ method: 'DELETE', url: `${URL}/${id}`, as: h.actors.ADMIN });

    const report = await upload(exported.text, exported.headers['content-type']);
    expect(report.json()).toMatchObject({ created: 3, failed: 0 });
    const kept = ({ name, device_type, device_uid, group_id, owner_id, metadata }: Record<string, unknown>) => ({
      ...{ name, device_type, device_uid, group_id, owner_id, metadata },
    });
    expect((await devices()).map(kept)).toEqual(before.map(kept));
  });
});

describe('what no store keeps as it was written is not taken', () => {
  const ROW = { name: 'Pump', device_type: 'pump' };
  const INTEGER = 'must be sent as a string: a whole number beyond 2^53 would be rounded';
  const UNICODE = 'must be Unicode; it holds half a surrogate pair';
  const flaws = [
    ['/serial', '{"serial":12345678901234567890}', INTEGER],
    ['/a/0', String.raw`{"a":["\ud800"]}`, UNICODE],
    ['/a', String.raw`{"a":{"\uDFFFx":1}}`, UNICODE],
    ['', `{"a":${'['.repeat(5_000)}12345678901234567${']'.repeat(5_000)}}`, 'must not be nested deeper than 64 levels'],
  ] as const;

  test.each(flaws)('metadata of a CSV file, at %s', async (path, metadata, message) => {
    const cell = `"${metadata.replaceAll('"', '""')}"`;
    const report = (await upload(`name,device_type,metadata\nPump,pump,${cell}\nPump,pump,{}\n`)).json();
    expect(report).toMatchObject({ created: 1, failed: 1 });
    expect(report.rows[0].errors).toEqual([{ path: `/metadata${path}`, message }]);
  });

  test.each(flaws)('a JSON file, at %s, as plain text and as a body', async (path, metadata, message) => {
    const file = JSON.stringify([ROW, { ...ROW, metadata: '?' }]).replace('"?"', () => metadata);
    const errors = [{ path: path === '' ? '/' : `/1/metadata${path}`, message }];
    for (const raw of [file, `\uFEFF${file}`]) {
      expect((await upload(raw, 'text/plain')).json()).toMatchObject({ code: 'device_import_unreadable', errors });
      expect((await upload(raw, 'application/json')).json()).toMatchObject({ code: 'invalid_input', errors });
    }
    expect(await devices()).toEqual([]);
  });

  test('nor half a pair in a text of a CSV file, which no UTF-8 can say', async () => {
    const file = Buffer.concat([
      Buffer.from('name,device_type\nPu'),
      Buffer.from([0xed, 0xa0, 0x80]),
      Buffer.from('mp,pump\n'),
    ]);
    expect((await upload(file)).json()).toMatchObject({ status: 422, code: 'device_import_unreadable' });
  });
});

describe('says what is wrong, where, what was found and what is accepted', () => {
  test.each([
    ['name,device_type,colour\na,b,c\n', /^heading 3 is "colour", which is no column .*name, device_type/],
    ['name\na\n', /^the column device_type is missing; the first line is "name"/],
    ['name,name,device_type\na,b,c\n', /^the column name is there 2 times/],
    ['name,device_type\nok,a\n"x,a\n', /^line \d: a quoted cell is not closed/],
    [`name,device_type\n${','.repeat(500)}\n`, /^line 2 has 501 cells, more than 100/],
    [`name,device_type\n"${'x'.repeat(70_000)}",a\n`, /^line \d: a row has more than 65536 characters/],
    [`name,device_type\n${','.repeat(500_000)}\n`, /^line 2: a row has more than 65536 characters/],
    ['[{"name":', /^begins like JSON/],
    [Buffer.from('PK\x03\x04 and more', 'latin1'), /is a spreadsheet; save it as "CSV UTF-8"/],
    [Buffer.from('name,device_type\n\xb0,a\n', 'latin1'), /must be UTF-8/],
  ])('of a file as a whole: %#', async (file, message) => {
    const answer = await upload(file);
    expect([answer.status, answer.json().code]).toEqual([422, 'device_import_unreadable']);
    expect(answer.json().errors[0].message).toMatch(message);
    expect(await devices()).toEqual([]);
  });

  test.each([
    ['no file', form([{ field: 'note', text: 'x' }]), /has no file/],
    ['two files', form(['a', 'b'].map((file) => ({ field: file, file, text: 'x' }))), /more than one file/],
    [
      'an end that is missing',
      form([{ field: 'f', file: 'f', text: 'name,device_type' }]).subarray(0, -12),
      /cannot be/,
    ],
  ])('of a form with %s', async (_, body, message) => {
    const answer = await upload(body, FORM);
    expect([answer.status, answer.json().code]).toEqual([422, 'device_import_unreadable']);
    expect(answer.json().errors[0].message).toMatch(message);
  });

  test('of a form that is too large', async () => {
    const answer = await upload(form([{ field: 'f', file: 'f', text: 'x'.repeat(5 * 1024 * 1024) }]), FORM);
    expect([answer.status, answer.json().code]).toEqual([413, 'body_too_large']);
  });

  test('and of a form without a boundary', async () => {
    const answer = await upload('x', 'multipart/form-data');
    expect([answer.status, answer.json().code]).toEqual([422, 'device_import_unreadable']);
  });

  test('of a row', async () => {
    const head = 'name,device_type,device_uid,group_id,metadata,';
    const file = [head, 'a,b,AA:BB:CC:01,,,', 'a,b,,five,,', 'a,b,,,{floor: 2},', 'a,b,,,,stray'].join('\n');
    const { rows } = (await upload(file)).json();
    const errors = rows.map(({ errors = [] }: { errors: { path: string; message: string }[] }) =>
      errors.map(({ path, message }) => `${path} ${message}`),
    );
    expect(errors).toEqual([
      [
        '/device_uid must be 1 to 64 letters, digits, `_` and `-`, a letter or digit first; use "AA-BB-CC-01"; ' +
          'found "AA:BB:CC:01"',
      ],
      ['/group_id must be a whole number or null; found "five"'],
      ['/metadata must be a JSON object such as {"floor": 2}; found "{floor: 2}"'],
      ['/column 6 has a value and no heading; found "stray"'],
    ]);
  });
});
