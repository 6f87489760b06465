import type { FastifyReply } from 'fastify';
import { MANAGEMENT } from '#kernel/access.ts';
import { deviceErrors, toTarget } from '#modules/devices/index.ts';
import { deviceOf, type HttpRoutes, principalOf } from '#platform/http/http.port.ts';
import type { CommandBatches } from './commands.batches.ts';
import { commandErrors } from './commands.errors.ts';
import {
  COMMAND_SORT_HELP,
  CommandBatchBody,
  CommandBatchView,
  CommandBody,
  CommandListView,
  CommandsQuery,
  CommandView,
  DeviceCommandParams,
  DeviceCommandsQuery,
  DeviceParams,
  IdempotencyHeaders,
  PollQuery,
  PollView,
  presentCommand,
  presentList,
  presentPoll,
  toFilter,
  toOrder,
} from './commands.schemas.ts';
import type { CommandsService } from './commands.service.ts';

const tags = ['commands'];
const { device_not_found, device_not_yours, device_target_invalid } = deviceErrors;
const {
  command_ended,
  command_not_found,
  command_params_invalid,
  idempotency_key_reused,
  too_many_commands,
  too_many_waiting,
} = commandErrors;

/** `/api/v1/devices/{device_id}/commands`, mounted beside the devices' own routes. */
export function createDeviceCommandsRoutes(commands: CommandsService): HttpRoutes {
  return (app) => {
    app.post(
      '/:device_id/commands',
      {
        config: {
          access: 'bearer',
          problems: [
            ...[device_not_found, device_not_yours, command_params_invalid, too_many_commands],
            ...[idempotency_key_reused, too_many_waiting],
          ],
        },
        schema: {
          tags,
          operationId: 'sendCommand',
          summary: 'Send a command to a device',
          description:
            'For MANAGEMENT and the owner of the device. Answered when the command is stored; with `wait_seconds` when it has ' +
            'ended, and at the latest then. A command that is open survives every restart. 100 may be open for a device.',
          params: DeviceParams,
          headers: IdempotencyHeaders,
          body: CommandBody,
          response: {
            200: { ...CommandView, description: 'The command that was made with this Idempotency-Key' },
            201: CommandView,
          },
        },
      },
      async (request, reply) => {
        const { wait_seconds: waitSeconds = 0, ...body } = request.body;
        const { command, isNew } = await commands.create(
          principalOf(request),
          request.params.device_id,
          toOrder(body),
          { key: request.headers['idempotency-key'] ?? null, waitSeconds, signal: goneSignal(reply) },
        );
        return reply.code(isNew ? 201 : 200).send(presentCommand(command));
      },
    );

    app.get(
      '/:device_id/commands',
      {
        config: { access: 'bearer', problems: [device_not_found, device_not_yours] },
        schema: {
          tags,
          operationId: 'listDeviceCommands',
          summary: 'List the commands of a device',
          description: `For MANAGEMENT and the owner of the device. ${COMMAND_SORT_HELP}`,
          params: DeviceParams,
          querystring: DeviceCommandsQuery,
          response: { 200: CommandListView },
        },
      },
      async (request) => {
        const { device_id } = request.params;
        const query = request.query;
        return presentList(await commands.listOfDevice(principalOf(request), device_id, toFilter(query), query));
      },
    );

    app.get(
      '/:device_id/commands/:command_id',
      {
        config: { access: 'bearer', problems: [device_not_found, device_not_yours, command_not_found] },
        schema: {
          tags,
          operationId: 'getCommand',
          summary: 'Show a command',
          description: 'For MANAGEMENT and the owner of the device.',
          params: DeviceCommandParams,
          response: { 200: CommandView },
        },
      },
      async (request) => {
        const { device_id, command_id } = request.params;
        return presentCommand(await commands.get(principalOf(request), device_id, command_id));
      },
    );

    app.post(
      '/:device_id/commands/:command_id/cancel',
      {
        config: {
          access: 'bearer',
          problems: [device_not_found, device_not_yours, command_not_found, command_ended],
        },
        schema: {
          tags,
          operationId: 'cancelCommand',
          summary: 'Cancel a command',
          description:
            'For MANAGEMENT and the owner of the device. It is not sent any more and an answer to it is too late; a device ' +
            'that has it already is not told.',
          params: DeviceCommandParams,
          response: { 200: CommandView },
        },
      },
      async (request) => {
        const { device_id, command_id } = request.params;
        return presentCommand(await commands.cancel(principalOf(request), device_id, command_id));
      },
    );
  };
}

/** `/api/v1/commands`: of all devices. */
export function createCommandsRoutes(commands: CommandsService, batches: CommandBatches): HttpRoutes {
  return (app) => {
    app.post(
      '/',
      {
        config: { access: MANAGEMENT, problems: [command_params_invalid, device_target_invalid] },
        schema: {
          tags,
          operationId: 'sendCommandToMany',
          summary: 'Send a command to many devices',
          description:
            'Answered when the order is stored; each device gets its command in the background, also after a restart. One with ' +
            '100 open commands gets one that is REJECTED, so that the counts add up.',
          body: CommandBatchBody,
          response: { 202: CommandBatchView },
        },
      },
      async (request, reply) => {
        const { target, ...order } = request.body;
        const { batchId, devices } = await batches.create(principalOf(request), toTarget(target), toOrder(order));
        return reply.code(202).send({ batch_id: batchId, devices });
      },
    );

    app.get(
      '/',
      {
        config: { access: MANAGEMENT },
        schema: {
          tags,
          operationId: 'listCommands',
          summary: 'List the commands of all devices',
          description: `With counts by status, of a batch for example. ${COMMAND_SORT_HELP}`,
          querystring: CommandsQuery,
          response: { 200: CommandListView },
        },
      },
      async (request) => presentList(await commands.list(toFilter(request.query), request.query)),
    );
  };
}

/** `/api/v1/device/commands`: for a device that has no MQTT. */
export function createPollRoutes(commands: CommandsService): HttpRoutes {
  return (app) => {
    app.get(
      '/commands',
      {
        config: { access: 'device', problems: [too_many_waiting] },
        schema: {
          tags,
          operationId: 'pollCommands',
          summary: 'Get what this device is to do',
          description:
            'For a device without MQTT, which answers by `POST /api/v1/ingest/response`. With `wait` the answer comes when there ' +
            'is a command, and at the latest then; empty: there was none. What was not answered is handed out again after a minute.',
          querystring: PollQuery,
          response: { 200: PollView },
        },
      },
      async (request, reply) =>
        presentPoll(await commands.poll(deviceOf(request), request.query.wait, goneSignal(reply))),
    );
  };
}

/** Aborted when whoever waits for the answer has gone. */
function goneSignal(reply: Pick<FastifyReply, 'raw'>): AbortSignal {
  const gone = new AbortController();
  reply.raw.once('close', () => gone.abort());
  return gone.signal;
}
