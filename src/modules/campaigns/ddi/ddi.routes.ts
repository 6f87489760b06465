import type { FastifyRequest } from 'fastify';
import { commonErrors, isAppError } from '#kernel/errors.ts';
import { deviceErrors } from '#modules/devices/index.ts';
import { imageFileOf } from '#modules/firmware/index.ts';
import type { DeviceRefusals } from '#platform/audit/audit.port.ts';
import { deviceOf, type HttpRoutes, originOf } from '#platform/http/http.port.ts';
import { sendFile } from '#platform/http/ranged-file.port.ts';
import { campaignErrors } from '../campaigns.errors.ts';
import { fileNameOf, linksOf } from './ddi.links.ts';
import type { DdiDevice } from './ddi.ports.ts';
import {
  ActionAnswer,
  ActionParams,
  ArtifactAnswers,
  ArtifactParams,
  CancelAnswer,
  ConfigDataBody,
  ControllerParams,
  FeedbackBody,
  HAL,
  PollAnswer,
  presentAction,
  presentCancel,
  presentPoll,
  Taken,
  toFeedback,
} from './ddi.schemas.ts';
import type { DdiService } from './ddi.service.ts';

const tags = ['hawkbit'];
const WHO = 'With `Authorization: TargetToken <secret>`, or HTTP Basic.';
const { device_not_found } = deviceErrors;
const { campaign_action_not_found, campaign_action_ended } = campaignErrors;

/** `/default/controller/v1`: hawkBit's Direct Device Integration API. */
export function createDdiRoutes(ddi: DdiService, refusals: DeviceRefusals, publicUrl: () => string): HttpRoutes {
  /** The device, if the address is its own. @throws AppError `device_not_found` */
  function own(request: FastifyRequest): DdiDevice {
    const device = deviceOf(request);
    const { controller_id } = request.params as { readonly controller_id: string };
    if (controller_id === device.deviceUid) return device;
    refuse(request, 'foreign_device', { device_uid: controller_id });
    throw device_not_found();
  }
  function refuse(request: FastifyRequest, reason: string, details: Readonly<Record<string, unknown>>): void {
    const { deviceId } = deviceOf(request);
    refusals.note({ deviceId, action: 'firmware.request_refused', reason, details, origin: originOf(request) });
  }
  const linksFor = ({ deviceUid }: DdiDevice) => linksOf(publicUrl(), deviceUid);
  return (app) => {
    app.get(
      '/:controller_id',
      {
        config: { access: 'device', problems: [device_not_found] },
        schema: {
          tags,
          operationId: 'ddiPoll',
          summary: 'Ask what is to be done',
          description: `${WHO} Links to a deployment, to one that is to be stopped, and to the one that is installed.`,
          params: ControllerParams,
          response: PollAnswer,
        },
      },
      async (request, reply) => {
        const device = own(request);
        reply.type(HAL);
        return presentPoll(await ddi.poll(device), linksFor(device));
      },
    );

    app.put(
      '/:controller_id/configData',
      {
        config: { access: 'device', problems: [device_not_found] },
        schema: {
          tags,
          operationId: 'ddiConfigData',
          summary: 'Say what the device is',
          description: `${WHO} \`firmware_version\` is what a campaign believes.`,
          params: ControllerParams,
          body: ConfigDataBody,
          response: Taken,
        },
      },
      async (request, reply) => {
        const { data } = request.body;
        const known = typeof data === 'object' && data !== null ? (data as Readonly<Record<string, unknown>>) : {};
        await ddi.configData(own(request), known);
        return reply.type('text/plain').send('OK');
      },
    );

    app.get(
      '/:controller_id/deploymentBase/:action_id',
      {
        config: { access: 'device', problems: [device_not_found, campaign_action_not_found] },
        schema: {
          tags,
          operationId: 'ddiDeployment',
          summary: 'Show a deployment',
          description: `${WHO} From now on the image was offered.`,
          params: ActionParams,
          response: ActionAnswer,
        },
      },
      async (request, reply) => {
        const device = own(request);
        const found = await ddi.deployment(device, request.params.action_id);
        reply.type(HAL);
        return presentAction(found, linksFor(device));
      },
    );

    app.post(
      '/:controller_id/deploymentBase/:action_id/feedback',
      {
        config: {
          access: 'device',
          problems: [device_not_found, campaign_action_not_found, campaign_action_ended],
        },
        schema: {
          tags,
          operationId: 'ddiFeedback',
          summary: 'Say how a deployment goes',
          description: `${WHO} \`closed\` with \`success\` says that the new version runs.`,
          params: ActionParams,
          body: FeedbackBody,
          response: Taken,
        },
      },
      async (request, reply) => {
        await ddi.feedback(own(request), request.params.action_id, toFeedback(request.body));
        return reply.type('text/plain').send('OK');
      },
    );

    app.get(
      '/:controller_id/installedBase/:action_id',
      {
        config: { access: 'device', problems: [device_not_found, campaign_action_not_found] },
        schema: {
          tags,
          operationId: 'ddiInstalled',
          summary: 'Show the deployment that is installed',
          description: WHO,
          params: ActionParams,
          response: ActionAnswer,
        },
      },
      async (request, reply) => {
        const device = own(request);
        const found = await ddi.installed(device, request.params.action_id);
        reply.type(HAL);
        return presentAction(found, linksFor(device));
      },
    );

    app.get(
      '/:controller_id/cancelAction/:action_id',
      {
        config: { access: 'device', problems: [device_not_found, campaign_action_not_found] },
        schema: {
          tags,
          operationId: 'ddiCancel',
          summary: 'Show a deployment that is to be stopped',
          description: `${WHO} Its campaign was aborted.`,
          params: ActionParams,
          response: CancelAnswer,
        },
      },
      async (request, reply) => {
        const found = await ddi.cancelled(own(request), request.params.action_id);
        reply.type(HAL);
        return presentCancel(found);
      },
    );

    app.post(
      '/:controller_id/cancelAction/:action_id/feedback',
      {
        config: { access: 'device', problems: [device_not_found, campaign_action_not_found] },
        schema: {
          tags,
          operationId: 'ddiCancelFeedback',
          summary: 'Say that a deployment was stopped',
          description: `${WHO} It is not asked again.`,
          params: ActionParams,
          body: FeedbackBody,
          response: Taken,
        },
      },
      async (request, reply) => {
        toFeedback(request.body);
        await ddi.confirmCancel(own(request), request.params.action_id);
        return reply.type('text/plain').send('OK');
      },
    );

    app.get(
      '/:controller_id/softwaremodules/:module_id/artifacts/:file_name',
      {
        config: {
          access: 'device',
          problems: [device_not_found, campaign_action_not_found, commonErrors.range_not_satisfiable],
        },
        schema: {
          tags,
          operationId: 'ddiArtifact',
          summary: 'Download an image',
          description: `${WHO} With \`Range\`; with \`.MD5SUM\` behind the name, its MD5.`,
          params: ArtifactParams,
          response: ArtifactAnswers,
        },
      },
      async (request, reply) => {
        const { module_id, file_name } = request.params;
        const device = own(request);
        const image = await ddi.image(device, module_id).catch((error: unknown) => {
          if (isAppError(error)) refuse(request, error.code, { firmware_id: module_id });
          throw error;
        });
        if (file_name === `${fileNameOf(module_id)}.MD5SUM`) {
          return reply.type('text/plain').send(`${image.md5}  ${fileNameOf(module_id)}`);
        }
        if (file_name !== fileNameOf(module_id)) throw campaign_action_not_found();
        return sendFile(request, reply, imageFileOf(image, ddi.read));
      },
    );
  };
}
