import type { Firmware } from '#modules/firmware/index.ts';
import type { Campaign, CampaignDevice } from '../campaigns.ports.ts';

export interface DdiDevice {
  readonly deviceId: number;
  readonly deviceUid: string;
}

/** What the device says of an action, in the words of campaigns. */
export type DdiFeedback =
  | {
      readonly kind: 'answer';
      readonly answer: 'downloading' | 'downloaded' | 'installing';
      readonly percent: number | null;
    }
  | { readonly kind: 'failed' | 'rejected'; readonly error: string | null }
  /** The client says this after it has started the new version. */
  | { readonly kind: 'succeeded' }
  /** It goes on as before. */
  | { readonly kind: 'nothing' };

export interface DdiAction {
  readonly entry: CampaignDevice;
  readonly campaign: Campaign;
  readonly firmware: Firmware;
}

/** What a device finds when it polls; ids of actions. */
export interface DdiState {
  readonly deployment: number | null;
  readonly cancel: number | null;
  readonly installed: number | null;
  /** Whether it is asked to say what it is. */
  readonly asksForData: boolean;
}
