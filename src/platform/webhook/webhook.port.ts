/** What is sent: the body is JSON. */
export interface WebhookMessage {
  /** The same for each repetition: receivers tell by it that they have had it. */
  readonly id: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/**
 * Calls the configured webhooks. Modules do not call it: they enqueue the job `send_webhook` for each endpoint, which
 * repeats what fails.
 */
export interface WebhookSender {
  /** What is configured, each by a name that is the same for the same address and does not show it. */
  readonly endpoints: readonly string[];
  /**
   * One signed POST. Resolves when a 2xx was answered; redirects are not followed.
   * @param signal gives up
   * @throws AppError `unavailable` when it may be repeated; `forbidden` for an address that may not be called,
   *   `conflict` when the receiver answers 410, `not_found` for an endpoint that is not configured any more
   */
  send(endpoint: string, message: WebhookMessage, signal: AbortSignal): Promise<{ readonly status: number }>;
}
