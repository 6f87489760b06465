import type { Socket } from 'socket.io-client';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { commonErrors } from '#kernel/errors.ts';
import { createId } from '#kernel/ids.ts';
import { createRig, happens, type RealtimeHarness, refusalOf } from './realtime.harness.ts';

/** What every adapter of `Realtime` keeps. */
export function realtimeContract(harness: RealtimeHarness): void {
  describe(`${harness.name}: realtime`, () => {
    let rig: Awaited<ReturnType<typeof createRig>>;
    beforeEach(async () => {
      rig = await createRig(harness);
    });
    afterEach(() => rig.close());

    /**
     * What `socket` sent before has been dealt with, and everything emitted to it before has arrived, when this
     * resolves. An emit may go through other processes: only another one after it shows that it is through.
     */
    async function settled(socket: Socket): Promise<void> {
      const { userId } = await socket.emitWithAck('who');
      const marker = createId();
      const { promise, resolve } = Promise.withResolvers<void>();
      socket.on(marker, resolve);
      const again = setInterval(() => rig.monitoring.emit(`user:${userId}`, marker, {}), 10);
      await promise;
      clearInterval(again);
      socket.off(marker);
    }

    /** That the first one has come, or the last one has left, may be known a little later in another process. */
    const isOpen = (room: string) => expect.poll(() => rig.monitoring.hasListeners(room)).toBe(true);
    const isEmpty = (room: string) => expect.poll(() => rig.monitoring.hasListeners(room)).toBe(false);

    describe('handshake', () => {
      test.each([
        ['no token', {}],
        ['an unknown token', { token: 'nobody' }],
        ['an empty token', { token: '' }],
        ['a token that is no string', { token: { $ne: null } }],
        ['a huge token', { token: 'x'.repeat(50_000) }],
      ])('%s is refused', async (_what, auth) => {
        expect(await refusalOf(rig.open('/monitoring', auth))).toBe('authentication_required');
      });

      test.each(['/', '/unknown', '/monitoring/', '/__proto__'])('namespace %s is refused', async (namespace) => {
        const error = await happens<Error>(rig.open(namespace, { token: 'ann' }), 'connect_error');
        expect(error.message).toBe('Invalid namespace');
      });

      test.each([[['websocket']], [['polling']]])('a token lets a person in by %s', async (transports) => {
        const socket = await rig.connect('ann', { transports });
        expect(await socket.emitWithAck('who')).toEqual({ ok: true, userId: 1, role: 'ADMIN' });
        expect(rig.realtime.connectionCount()).toBe(1);
      });

      test('a check that cannot be made now leaves the client to come back by itself', async () => {
        let isAway = true;
        rig.authenticator.beforeAuthenticate = async () => {
          if (isAway) throw commonErrors.unavailable();
        };
        const socket = rig.open('/monitoring', { token: 'ann' }, { reconnection: true, reconnectionDelay: 10 });
        await new Promise((resolve) => socket.io.once('reconnect_attempt', resolve));
        isAway = false;
        await happens(socket, 'connect');
      });

      test('one user has a bounded number of connections, whatever their namespaces', async () => {
        const all = await Promise.all(
          Array.from({ length: 50 }, () => rig.connect('ann', { transports: ['websocket'] })),
        );
        const [first] = all as [Socket];
        const same = first.io.socket('/other', { auth: { token: 'ann' } });
        await happens(same, 'connect');
        expect(await refusalOf(rig.open('/monitoring', { token: 'ann' }))).toBe('too_many_connections');
        await rig.connect('bob');
        first.io._close();
        await expect.poll(() => rig.realtime.connectionCount()).toBe(50);
        await rig.connect('ann');
      });

      test('a bug in the check is not shown', async () => {
        rig.authenticator.beforeAuthenticate = () => Promise.reject(new Error('driver text'));
        expect(await refusalOf(rig.open('/monitoring', { token: 'ann' }))).toBe('internal_error');
      });
    });

    describe('losing access', () => {
      test('the connection ends when the token expires', async () => {
        rig.authenticator.expiresAt = Date.now() + 100;
        const socket = await rig.connect('ann');
        expect(await happens(socket, 'disconnect')).toBe('io server disconnect');
      });

      test('a token that expires in months does not end it at once', async () => {
        rig.authenticator.expiresAt = Date.now() + 90 * 86_400_000;
        const socket = await rig.connect('ann');
        await settled(socket);
        expect(socket.connected).toBe(true);
      });

      test('disconnectUser ends every connection of that user and of nobody else', async () => {
        const [one, two, bob] = await Promise.all([rig.connect('ann'), rig.connect('ann'), rig.connect('bob')]);
        const ended = [happens(one, 'disconnect'), happens(two, 'disconnect')];
        const received: unknown[] = [];
        for (const socket of [one, two]) socket.on('news', (data) => received.push(data));
        rig.realtime.disconnectUser(1);
        // Not what is emitted in the same moment either.
        rig.monitoring.emit('user:1', 'news', {});
        expect(await Promise.all(ended)).toEqual(['io server disconnect', 'io server disconnect']);
        await settled(bob);
        expect(bob.connected).toBe(true);
        expect(received).toEqual([]);
      });

      test('recheckUser ends those connections of a user whose token counts no more, and no other', async () => {
        rig.authenticator.users.set('ann elsewhere', { userId: 1, role: 'ADMIN' });
        const [stays, goes, bob] = await Promise.all(['ann', 'ann elsewhere', 'bob'].map((each) => rig.connect(each)));
        rig.authenticator.users.delete('ann elsewhere');
        const ended = happens(goes as Socket, 'disconnect');
        await rig.realtime.recheckUser(1);
        expect(await ended).toBe('io server disconnect');
        for (const socket of [stays, bob] as Socket[]) {
          await settled(socket);
          expect(socket.connected).toBe(true);
        }
      });

      test('recheck ends the connections of whoever has lost access, in every namespace', async () => {
        const watching = await rig.connect('bob');
        const idle = rig.open('/other', { token: 'bob' });
        await happens(idle, 'connect');
        const ann = await rig.connect('ann');
        rig.authenticator.users.delete('bob');
        const ended = [watching, idle].map((socket) => happens(socket, 'disconnect'));
        await rig.realtime.recheck();
        expect(await Promise.all(ended)).toEqual(['io server disconnect', 'io server disconnect']);
        await settled(ann);
        expect(ann.connected).toBe(true);
      });

      test('access lost during the handshake ends the connection', async () => {
        rig.authenticator.beforeAuthenticate = async () => {
          rig.authenticator.users.delete('ann');
          rig.realtime.disconnectUser(1);
        };
        const socket = rig.open('/monitoring', { token: 'ann' });
        expect(await happens(socket, 'disconnect')).toBe('io server disconnect');
      });

      test('a command of a user without access is refused and ends the connection', async () => {
        const socket = await rig.connect('ann');
        rig.authenticator.users.delete('ann');
        const ended = happens(socket, 'disconnect');
        expect(await socket.emitWithAck('who')).toMatchObject({ ok: false, code: 'authentication_required' });
        await ended;
      });

      test('a changed role counts at the next command', async () => {
        const socket = await rig.connect('ann');
        rig.authenticator.users.set('ann', { userId: 1, role: 'USER' });
        expect(await socket.emitWithAck('who')).toMatchObject({ role: 'USER' });
      });
    });

    describe('commands', () => {
      test('are answered', async () => {
        const socket = await rig.connect('ann');
        expect(await socket.emitWithAck('echo', { a: 1 })).toEqual({ ok: true, data: { a: 1 } });
        expect(await socket.emitWithAck('not_ok')).toEqual({ ok: true, value: 1 });
      });

      test('say what was wrong, and nothing about our insides', async () => {
        const socket = await rig.connect('ann');
        expect(await socket.emitWithAck('forbidden')).toEqual({
          ok: false,
          code: 'forbidden',
          detail: 'Your role does not allow this.',
        });
        const bug = await socket.emitWithAck('bug');
        expect(bug).toMatchObject({ ok: false, code: 'internal_error' });
        expect(JSON.stringify(bug)).not.toContain('secret');
        expect(await socket.emitWithAck('nonsense', {})).toMatchObject({ ok: false, code: 'unknown_command' });
        expect(await socket.emitWithAck('constructor', {})).toMatchObject({ ok: false, code: 'unknown_command' });
      });

      test.each([[null], ['text'], [42], [[1, 2]], [Buffer.from('bytes')], [undefined]])(
        'data such as %j reach the command as they are',
        async (data) => {
          const socket = await rig.connect('ann');
          expect(await socket.emitWithAck('echo', data)).toMatchObject({ ok: true });
        },
      );

      test('without acknowledgement, with several arguments or named strangely do no harm', async () => {
        const socket = await rig.connect('ann');
        socket.emit('bug');
        socket.emit('bug', 1, 2, 3);
        socket.emit('error', new Error('x'));
        socket.emit('__proto__', {});
        socket.emit('');
        expect(await socket.emitWithAck('echo', 1)).toEqual({ ok: true, data: 1 });
      });

      test('beyond the rate limit are refused', async () => {
        const socket = await rig.connect('ann');
        const answers = await Promise.all(Array.from({ length: 200 }, (_, i) => socket.emitWithAck('echo', i)));
        const refused = answers.filter((answer) => !answer.ok);
        expect(refused.length).toBeGreaterThan(0);
        expect(refused.length).toBeLessThanOrEqual(100);
        expect(refused[0]).toMatchObject({ code: 'rate_limited' });
        const bob = await rig.connect('bob');
        expect(await bob.emitWithAck('echo', 1)).toMatchObject({ ok: true });
      });

      test('a message over the limit ends the connection', async () => {
        const socket = await rig.connect('ann', { transports: ['websocket'] });
        const ended = happens(socket, 'disconnect');
        socket.emit('echo', 'x'.repeat(70_000));
        await ended;
      });
    });

    describe('rooms', () => {
      const joined = async (token: string, room: string) => {
        const socket = await rig.connect(token);
        expect(await socket.emitWithAck('join', { room })).toEqual({ ok: true });
        await isOpen(room);
        const received: unknown[] = [];
        socket.on('news', (data) => received.push(data));
        return { socket, received };
      };

      test('reach who is in them, once, and nobody else', async () => {
        const ann = await joined('ann', 'device:a');
        await ann.socket.emitWithAck('join', { room: 'device:b' });
        const bob = await joined('bob', 'device:b');
        rig.monitoring.emit('device:a', 'news', { n: 1 });
        rig.monitoring.emit(['device:a', 'device:b', 'device:c'], 'news', { n: 2 });
        rig.monitoring.emit('device:c', 'news', { n: 3 });
        rig.other.emit('device:a', 'news', { n: 4 });
        await Promise.all([settled(ann.socket), settled(bob.socket)]);
        expect(ann.received).toEqual([{ n: 1 }, { n: 2 }]);
        expect(bob.received).toEqual([{ n: 2 }]);
      });

      test('are left', async () => {
        const { socket, received } = await joined('ann', 'device:a');
        await socket.emitWithAck('leave', { room: 'device:a' });
        await isEmpty('device:a');
        rig.monitoring.emit('device:a', 'news', {});
        await settled(socket);
        expect(received).toEqual([]);
        socket.emit('join', { room: 'device:a' });
        await settled(socket);
        socket.disconnect();
        await isEmpty('device:a');
      });

      test('user:{id} is joined at connect', async () => {
        const socket = await rig.connect('bob');
        await settled(socket);
        const news = happens(socket, 'news');
        rig.monitoring.emit('user:2', 'news', { for: 'bob' });
        expect(await news).toEqual({ for: 'bob' });
        await isEmpty('user:1');
      });

      test('evict removes who may not stay', async () => {
        const ann = await joined('ann', 'device:a');
        const bob = await joined('bob', 'device:a');
        await rig.monitoring.evict('device:a', async ({ role }) => role === 'ADMIN');
        await rig.monitoring.evict('device:unknown', async () => false);
        rig.monitoring.emit('device:a', 'news', { n: 1 });
        await Promise.all([settled(ann.socket), settled(bob.socket)]);
        expect(ann.received).toEqual([{ n: 1 }]);
        expect(bob.received).toEqual([]);
      });

      test('evict removes when it cannot be told', async () => {
        const { socket, received } = await joined('ann', 'device:a');
        await rig.monitoring.evict('device:a', () => Promise.reject(new Error('the store is away')));
        rig.monitoring.emit('device:a', 'news', { n: 1 });
        await settled(socket);
        expect(received).toEqual([]);
        expect(socket.connected).toBe(true);
      });

      test('recheck ends who has lost access and removes who may not stay, from every room', async () => {
        const ann = await joined('ann', 'device:a');
        await ann.socket.emitWithAck('join', { room: 'device:b' });
        const bob = await joined('bob', 'device:a');
        rig.authenticator.users.delete('bob');
        const ended = happens(bob.socket, 'disconnect');
        const asked: unknown[] = [];
        rig.rules.mayStay = async (principal, room) => {
          asked.push([principal.userId, room]);
          if (room === 'device:b') throw new Error('the store is away');
          return room === 'device:a';
        };
        await rig.realtime.recheck();
        expect(await ended).toBe('io server disconnect');
        expect(asked).toEqual([
          [1, 'device:a'],
          [1, 'device:b'],
        ]);
        rig.monitoring.emit('device:a', 'news', { n: 1 });
        rig.monitoring.emit('device:b', 'news', { n: 2 });
        await settled(ann.socket);
        expect(ann.received).toEqual([{ n: 1 }]);
      });

      test('are bounded for a connection', async () => {
        const socket = await rig.connect('ann');
        expect(await socket.emitWithAck('join_many', { count: 1_000 })).toEqual({ ok: true });
        expect(await socket.emitWithAck('join', { room: 'r0' })).toEqual({ ok: true });
        expect(await socket.emitWithAck('join', { room: 'one-more' })).toMatchObject({ code: 'too_many_rooms' });
        await isEmpty('one-more');
      });
    });

    test('stop ends connections so that clients come back by themselves, and takes no new ones', async () => {
      const sockets = await Promise.all([
        rig.connect('ann'),
        rig.connect('ann', { transports: ['websocket'] }),
        rig.connect('ann', { transports: ['polling'] }),
      ]);
      const ended = sockets.map((socket) => happens(socket, 'disconnect'));
      rig.monitoring.emit('user:1', 'news', {});
      await rig.realtime.stop?.(AbortSignal.timeout(5_000));
      // After `io server disconnect`, socket.io-client would stay away.
      for (const reason of await Promise.all(ended)) expect(reason).toMatch(/^transport /);
      const late = rig.open('/monitoring', { token: 'ann' });
      await happens(late, 'connect_error');
      expect(rig.realtime.connectionCount()).toBe(0);
    });
  });
}
