import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createDevicesHarness, type DevicesHarness } from '#test/support/devices.ts';

const URL = '/api/v1/devices';

let h: DevicesHarness;
let groupId: number;
beforeAll(async () => {
  h = await createDevicesHarness();
  const group = await h.app.request({
    method: 'POST',
    url: '/api/v1/device-groups',
    as: h.actors.ADMIN,
    body: { name: 'Hall' },
  });
  groupId = group.json().id;
});
afterAll(() => h.close());

function importCsv(raw: string | Buffer, type = 'text/csv') {
  const headers = { 'content-type': type };
  return h.app.request({ method: 'POST', url: `${URL}/import`, as: h.actors.MANAGER, raw, headers });
}
function importJson(body: unknown) {
  return h.app.request({ method: 'POST', url: `${URL}/import`, as: h.actors.MANAGER, body });
}
const total = async () => (await h.app.request({ url: URL, as: h.actors.ADMIN })).json().total;

describe('import', () => {
  test('dry: says of each row what would become of it, and changes nothing', async () => {
    await importJson([{ name: 'There', device_type: 'pump', device_uid: 'dry-there' }]);
    const before = await total();
    const row = (device_uid: string, fields = {}) => ({ name: 'Pump', device_type: 'pump', device_uid, ...fields });
    const many = Array.from({ length: 60 }, (_, index) => row(`dry-${index}`));
    const body = [...many, row('dry-there'), row('dry-3'), row('dry-bad', { group_id: 999_999 }), { name: 'No type' }];
    const query = { dry_run: 'true' };
    const dry = await h.app.request({ method: 'POST', url: `${URL}/import`, as: h.actors.MANAGER, body, query });
    expect(dry.status, dry.text).toBe(200);
    const report = dry.json();
    expect([report.dry_run, report.created, report.failed]).toEqual([true, 0, 4]);
    expect(report.rows.slice(0, 60)).toEqual(
      many.map(({ device_uid }, index) => ({ row: index + 1, device_uid, status: 'valid' })),
    );
    expect(report.rows[60].errors[0].message).toBe('is taken by another device');
    expect(report.rows[61].errors[0].message).toBe('is also that of row 4');
    expect(report.rows[62].errors[0].path).toBe('/group_id');
    expect(await total()).toBe(before);

    const real = (await importJson(body)).json();
    expect([real.dry_run, real.created, real.failed]).toEqual([false, 60, 4]);
    expect(real.rows.map(({ errors }: { errors?: unknown }) => errors)).toEqual(
      report.rows.map(({ errors }: { errors?: unknown }) => errors),
    );
  });

  test('reads CSV: quotes, BOM, CRLF, empty cells and lines, any order of columns', async () => {
    const owner = h.actors.USER.userId;
    const file = [
      '\uFEFFdevice_type, name ,metadata,group_id,owner_id,device_uid',
      `pump,"Pump, ""big""","{""floor"": 2}",${groupId},${owner},csv-1`,
      '',
      '  sensor , 센서 ,,,,',
    ].join('\r\n');
    const report = await importCsv(file, 'text/csv; charset=utf-8');
    expect(report.status).toBe(200);
    const { created, failed, rows } = report.json();
    expect([created, failed]).toEqual([2, 0]);
    expect(rows[0]).toEqual({
      row: 1,
      device_uid: 'csv-1',
      status: 'created',
      credentials: { username: 'csv-1', password: expect.stringMatching(/^[\w-]{43}$/) },
    });
    expect(await h.api.authenticate('csv-1', rows[0].credentials.password)).not.toBeNull();

    const found = async (uid: string) =>
      (await h.app.request({ url: URL, as: h.actors.ADMIN, query: { q: uid } })).json().items[0];
    expect(await found('csv-1')).toMatchObject({
      name: 'Pump, "big"',
      device_type: 'pump',
      metadata: { floor: 2 },
      group_id: groupId,
      owner_id: owner,
    });
    expect(await found(rows[1].device_uid)).toMatchObject({ name: '센서', device_type: 'sensor', metadata: {} });
  });

  test('a bad row never stops the others', async () => {
    await h.device({ device_uid: 'taken' });
    const before = await total();
    const file = [
      'name,device_type,device_uid,group_id,owner_id,metadata',
      'ok,sensor,row-1,,,',
      ',sensor,row-2,,,',
      'x,sensor,taken,,,',
      'x,sensor,row-1,,,',
      'x,sensor,bad uid,,,',
      'x,sensor,row-6,abc,,',
      'x,sensor,row-7,999999,,',
      'x,sensor,row-8,,999999,',
      'x,sensor,row-9,,,not json',
      'x,sensor,row-10,,,"{""__proto__"": 1}"',
      'x,sensor,row-11,,,,surplus',
      'x,sensor',
      'ok,sensor,row-13,,,',
    ].join('\n');
    const { created, failed, rows } = (await importCsv(file)).json();
    expect([created, failed]).toEqual([3, 10]);
    expect(rows.map((row: { row: number }) => row.row)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]);
    const errors = Object.fromEntries(
      rows.flatMap(({ row, errors = [] }: { row: number; errors?: { path: string }[] }) =>
        errors.length === 0 ? [] : [[row, errors[0]?.path]],
      ),
    );
    expect(errors).toEqual({
      2: '/name',
      3: '/device_uid',
      4: '/device_uid',
      5: '/device_uid',
      6: '/group_id',
      7: '/group_id',
      8: '/owner_id',
      9: '/metadata',
      10: '/metadata',
      11: '/column 7',
    });
    expect(rows[3].errors[0].message).toBe('is also that of row 1');
    expect(rows[1]).toMatchObject({ device_uid: 'row-2', status: 'failed' });
    expect(rows[1].credentials).toBeUndefined();
    expect(await total()).toBe(before + 3);
  });

  test('takes a JSON array with the same report', async () => {
    const { created, failed, rows } = (
      await importJson([
        { name: 'j', device_type: 'sensor', device_uid: 'json-1', metadata: { a: [1] } },
        { name: 'j', device_type: 'sensor', secret: 'x' },
        null,
        'text',
        [],
        { name: 7 },
      ])
    ).json();
    expect([created, failed]).toEqual([1, 5]);
    expect(rows[1]).toEqual({
      row: 2,
      device_uid: null,
      status: 'failed',
      errors: [{ path: '/secret', message: 'is not a known field' }],
    });
    expect(rows[5].errors).toContainEqual({ path: '/device_type', message: 'is required' });
  });

  test('emits device.created for each device', async () => {
    const before = h.events.length;
    await importJson([{ name: 'e', device_type: 'sensor', device_uid: 'event-1' }, {}]);
    expect(h.events.slice(before)).toMatchObject([
      { type: 'device.created', data: { device_uid: 'event-1', actor_id: h.actors.MANAGER.userId } },
    ]);
  });

  test('takes 1,000 rows, in order, and not one more', async () => {
    const rows = (count: number) => Array.from({ length: count }, (_, i) => ({ name: `n${i}`, device_type: 'bulk' }));
    const report = (await importJson(rows(1_000))).json();
    expect(report.created).toBe(1_000);
    expect(report.rows.map(({ row }: { row: number }) => row)).toEqual(Array.from({ length: 1_000 }, (_, i) => i + 1));

    const before = await total();
    const tooMany = [await importJson(rows(1_001)), await importCsv(`name,device_type\n${'a,b\n'.repeat(1_001)}`)];
    for (const answer of tooMany) {
      expect([answer.status, answer.json().code]).toEqual([422, 'device_import_too_large']);
    }
    expect(await total()).toBe(before);
  });

  test.each([
    ['an empty file', ''],
    ['an unknown column', 'name,device_type,secret\na,b,c\n'],
    ['a column that is there twice', 'name,name,device_type\na,b,c\n'],
    ['a missing column', 'name\na\n'],
    ['no header', 'Pump 1,pump\n'],
    ['a quote that is not closed', 'name,device_type\nok,a\n"x,a\n'],
    ['bytes that are not UTF-8', Buffer.from('name,device_type\n\xb0\xa1,a\n', 'latin1')],
  ])('refuses %s and changes nothing', async (_what, file) => {
    const before = await total();
    const answer = await importCsv(file);
    expect(answer.status).toBe(422);
    expect(answer.json().code).toBe('device_import_unreadable');
    expect(await total()).toBe(before);
  });

  test('refuses what is neither CSV nor an array', async () => {
    expect((await importJson({ name: 'a' })).status).toBe(422);
    expect((await importCsv('<xml/>', 'application/xml')).status).toBe(415);
    expect((await importCsv('{', 'application/json')).status).toBe(400);
    expect((await h.app.request({ method: 'POST', url: `${URL}/import`, as: h.actors.ADMIN })).status).toBe(422);
    expect((await importCsv('x'.repeat(5 * 1024 * 1024))).status).toBe(413);
  });

  test('only the import takes CSV', async () => {
    const headers = { 'content-type': 'text/csv' };
    const answer = await h.app.request({ method: 'POST', url: URL, as: h.actors.ADMIN, raw: 'a,b', headers });
    expect(answer.status).toBe(415);
  });

  test('a header alone is an empty import', async () => {
    expect((await importCsv('name,device_type\n')).json()).toEqual({ dry_run: false, created: 0, failed: 0, rows: [] });
  });
});

describe('export', () => {
  const exported = (query: string) => h.app.request({ url: `${URL}/export${query}`, as: h.actors.MANAGER });

  beforeEach(async () => {
    if ((await total()) > 400) return;
    await importJson(Array.from({ length: 450 }, (_, i) => ({ name: `x${i}`, device_type: 'bulk' })));
  });

  test('has every device, in both forms, and no secret', async () => {
    const all = await total();
    const json = await exported('?format=json');
    expect(json.headers['content-type']).toBe('application/json; charset=utf-8');
    expect(json.headers['content-disposition']).toBe('attachment; filename="devices.json"');
    const csv = await exported('');
    expect(csv.headers['content-type']).toBe('text/csv; charset=utf-8');

    const items = json.json();
    const lines = parse(csv.text, { columns: true }) as Record<string, string>[];
    expect([items.length, lines.length]).toEqual([all, all]);
    expect(new Set(items.map(({ id }: { id: number }) => id)).size).toBe(all);
    const one = (await h.app.request({ url: `${URL}/${items[0].id}`, as: h.actors.ADMIN })).json();
    expect(items[0]).toEqual(one);
    expect(lines.map(({ id }) => Number(id))).toEqual(items.map(({ id }: { id: number }) => id));
    expect(Object.keys(lines[0] ?? {})).toEqual(Object.keys(one));
    expect(`${json.text}${csv.text}`).not.toMatch(/secret|password/);
  });

  test.each(['=1+1', '+1', '-1', '@SUM(A1)', '＝1', '=cmd|"/c calc"!A1'])(
    'neutralises the formula %s in CSV and leaves it in JSON',
    async (name) => {
      const { id } = await h.device({ name, device_type: name });
      const lines = parse((await exported('?format=csv')).text, { columns: true }) as Record<string, string>[];
      const line = lines.find((candidate) => candidate['id'] === String(id));
      expect([line?.['name'], line?.['device_type']]).toEqual([`'${name}`, `'${name}`]);
      const items = (await exported('?format=json')).json();
      expect(items.find((item: { id: number }) => item.id === id).name).toBe(name);
    },
  );

  test('quotes what would break a line', async () => {
    const metadata = { text: 'a,"b"\n=c' };
    const { id } = await h.device({ name: 'q, "x"', metadata });
    const lines = parse((await exported('')).text, { columns: true }) as Record<string, string>[];
    const line = lines.find((candidate) => candidate['id'] === String(id));
    expect(line?.['name']).toBe('q, "x"');
    expect(JSON.parse(line?.['metadata'] ?? '')).toEqual(metadata);
  });

  test('refuses another format', async () => {
    expect((await exported('?format=xml')).status).toBe(422);
  });
});

test('an export of nothing is well-formed', async () => {
  const empty = await createDevicesHarness();
  const get = (format: string) =>
    empty.app.request({ url: `${URL}/export`, as: empty.actors.ADMIN, query: { format } });
  expect((await get('json')).json()).toEqual([]);
  expect((await get('csv')).text.split('\n')).toHaveLength(2);
  await empty.close();
});
