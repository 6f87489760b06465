import { parseInstant } from '#kernel/instant.ts';
import { isSignedBy } from '#modules/firmware/index.ts';
import { type DeviceParts, type Json, type PartialImage, work } from './device-parts.ts';
import { DownloadRefused, downloadImage, emptyImage } from './image-download.ts';
import type { Mishap } from './mishaps.ts';

export interface DeviceUpdates {
  /** Takes an offer; what is offered again while it is under way goes on. */
  receive(offer: Json): Promise<void>;
  /** From `installing` on it says no version until it has started anew: it would be one that is going. */
  isInstalling(): boolean;
  isBusy(): boolean;
}

export interface DeviceUpdatesOptions {
  readonly parts: DeviceParts;
  /** Before the download is tried again at a server that is away, in milliseconds. */
  readonly retryMs: number;
  /** Says on `status` which firmware runs. */
  report(): Promise<void>;
  /** Resolves when all that was said of it is acknowledged. */
  reported(): Promise<void>;
}

interface Offer {
  readonly campaignId: number;
  readonly version: string;
  readonly sequence: number;
  readonly url: string;
  readonly size: number;
  readonly sha256: string;
  readonly signature: string;
  readonly keyId: string;
  readonly notAfter: string | undefined;
}

type Outcome = 'installed' | 'rolled_back' | 'error' | 'rejected' | 'power_cut';

/** Progress is told in steps of so many percent. */
const PROGRESS_STEP = 20;

export function createDeviceUpdates({ parts, retryMs, report, reported }: DeviceUpdatesOptions): DeviceUpdates {
  const { device, memory, power, stepMs, restart } = parts;
  let underWay: { readonly campaignId: number; readonly stop: AbortController } | undefined;
  let isInstalling = false;

  async function take(offer: Offer, going: AbortSignal): Promise<void> {
    const { campaignId, version, sha256 } = offer;
    const say = (status: string, more: Json = {}) =>
      parts.say('response', { campaign_id: campaignId, status, ...more });
    const tell = (outcome: Outcome) => parts.tell({ kind: 'update', campaignId, version, outcome });
    const happensOnce = (mishap: Mishap) => {
      const key = `${mishap} ${campaignId}`;
      if (memory.happened.has(key) || !parts.happens(mishap, campaignId)) return false;
      memory.happened.add(key);
      return true;
    };

    const objection = objectionTo(offer);
    if (objection !== null) {
      tell('rejected');
      return await say('rejected', { error: objection });
    }
    if (memory.image?.sha256 !== sha256) memory.image = emptyImage(sha256);
    try {
      await say('downloading', { progress: percentOf(memory.image, offer) });
      const losesPower = happensOnce('update_power_cut');
      await download(offer, losesPower ? Math.floor(offer.size / 2) : offer.size, going, say);
      if (losesPower) {
        tell('power_cut');
        return restart('cut');
      }
    } catch (error) {
      if (!(error instanceof DownloadRefused)) throw error;
      tell('error');
      return await say('error', { error: error.message });
    }
    if (happensOnce('update_damaged')) memory.image.hash.update('damaged');
    const found = memory.image.hash.copy().digest('hex');
    if (memory.image.received !== offer.size || found !== sha256) {
      memory.image = null;
      tell('error');
      return await say('error', { error: `the image has the SHA-256 ${found}` });
    }
    await say('downloaded');
    await work(stepMs, going);
    if (parts.happens('update_fails', campaignId)) {
      tell('error');
      return await say('error', { error: 'the image could not be installed' });
    }
    await install(offer, say, tell);
  }

  /** Why it does not want what is offered; null: it does. */
  function objectionTo(offer: Offer): string | null {
    const key = device.firmwareKeys?.find(({ keyId }) => keyId === offer.keyId);
    if (key === undefined) return `the key ${offer.keyId} is not known here`;
    const { version, sequence, size, sha256, notAfter } = offer;
    const manifest = { device_type: device.model, version, sequence, size, sha256 };
    const signed = notAfter === undefined ? manifest : { ...manifest, not_after: notAfter };
    if (!isSignedBy(signed, offer.signature, key)) return 'the signature is not that of the key';
    if (sequence < memory.sequence) return `the sequence ${sequence} is below ${memory.sequence}`;
    const until = notAfter === undefined ? null : parseInstant(notAfter);
    return until !== null && until < Date.now() ? `not to be installed after ${notAfter}` : null;
  }

  async function download(
    offer: Offer,
    until: number,
    going: AbortSignal,
    say: (status: string, more: Json) => Promise<void>,
  ): Promise<void> {
    let told = 0;
    const wasWhole = memory.image?.received === offer.size;
    const login = Buffer.from(`${device.deviceUid}:${device.secret}`).toString('base64');
    const source = { ...offer, authorization: `Basic ${login}` };
    const image = await downloadImage(source, memory.image ?? emptyImage(offer.sha256), {
      until,
      stepMs,
      retryMs,
      power: going,
      async onPart(partial) {
        memory.image = partial;
        const percent = percentOf(partial, offer);
        if (percent < told + PROGRESS_STEP) return;
        told = percent;
        await say('downloading', { progress: percent });
      },
    });
    if (image.received < offer.size) return;
    const { campaignId, version } = offer;
    const sha256 = image.hash.copy().digest('hex');
    const newest = memory.downloads.at(-1);
    // The power may have gone off between the last byte and the note of it.
    if (wasWhole && newest?.campaignId === campaignId && newest.sha256 === sha256) return;
    const downloaded = { campaignId, version, sha256, bytes: image.transferred };
    memory.downloads.push(downloaded);
    parts.tell({ kind: 'downloaded', ...downloaded });
  }

  async function install(
    { campaignId, version, sequence }: Offer,
    say: (status: string) => Promise<void>,
    tell: (outcome: Outcome) => void,
  ): Promise<void> {
    // A report of the former version that came twice, and after `installing`, would look like a roll-back.
    await reported();
    power.throwIfAborted();
    isInstalling = true;
    await say('installing');
    await work(stepMs, power);
    memory.image = null;
    if (parts.happens('update_rolled_back', campaignId)) {
      tell('rolled_back');
    } else {
      memory.firmwareVersion = version;
      memory.sequence = sequence;
      tell('installed');
    }
    restart('orderly');
  }

  return {
    async receive(message) {
      const offer = readOffer(message);
      if (offer === null || isInstalling || underWay?.campaignId === offer.campaignId) return;
      underWay?.stop.abort();
      if (offer.version === memory.firmwareVersion) return await report();
      const stop = new AbortController();
      const own = { campaignId: offer.campaignId, stop };
      underWay = own;
      try {
        await take(offer, AbortSignal.any([power, stop.signal]));
      } catch (error) {
        // Another campaign has taken its place.
        if (!stop.signal.aborted) throw error;
      } finally {
        if (underWay === own) underWay = undefined;
      }
    },
    isInstalling: () => isInstalling,
    isBusy: () => underWay !== undefined,
  };
}

function percentOf({ received }: PartialImage, { size }: Offer): number {
  return size === 0 ? 0 : Math.floor((100 * received) / size);
}

/** What is not an offer is left alone. */
function readOffer(message: Json): Offer | null {
  const { campaign_id, version, sequence, url, size, sha256, signature, key_id, not_after } = message;
  const texts = [version, url, sha256, signature, key_id];
  const numbers = [campaign_id, sequence, size];
  if (!texts.every((each) => typeof each === 'string') || !numbers.every(Number.isSafeInteger)) return null;
  return {
    campaignId: campaign_id as number,
    version: version as string,
    sequence: sequence as number,
    url: url as string,
    size: size as number,
    sha256: sha256 as string,
    signature: signature as string,
    keyId: key_id as string,
    notAfter: typeof not_after === 'string' ? not_after : undefined,
  };
}
