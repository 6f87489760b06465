/** What one check of the doctor found. `warn`: it works, but hardly as meant. */
export interface Finding {
  readonly state: 'ok' | 'warn' | 'FAIL';
  readonly detail: string;
}

export const fine = (detail: string): Finding => ({ state: 'ok', detail });
export const doubtful = (detail: string): Finding => ({ state: 'warn', detail });
export const wrong = (detail: string): Finding => ({ state: 'FAIL', detail });

export type Check = readonly [name: string, look: () => Finding | Promise<Finding>];
