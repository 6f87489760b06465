export interface OfferDue {
  readonly device_id: number;
  readonly device_uid: string;
}

declare module '#kernel/events.ts' {
  interface EventMap {
    /** A firmware may be offered to the device: by whoever has its connection. */
    'campaign.offer_due': OfferDue;
  }
}
