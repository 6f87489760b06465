// Runs in the page, before its own scripts: what a benchmark asks of it. Instants are epoch milliseconds.
(() => {
  const now = () => performance.timeOrigin + performance.now();
  const tasks = [];
  const seen = {};
  let drawnAt = 0;
  let draws = 0;
  let asked = [];
  let waitingFor = 0;

  new PerformanceObserver((list) => {
    for (const { startTime, duration } of list.getEntries()) {
      tasks.push({ at: performance.timeOrigin + startTime, duration });
    }
  }).observe({ type: 'longtask', buffered: true });

  // A chart clears its canvas whenever it is drawn.
  const { clearRect } = CanvasRenderingContext2D.prototype;
  CanvasRenderingContext2D.prototype.clearRect = function (...area) {
    drawnAt = now();
    draws += 1;
    clearRect.apply(this, area);
  };

  const { fetch } = globalThis;
  globalThis.fetch = async (...given) => {
    const url = String(given[0]?.url ?? given[0]);
    if (!url.includes('telemetry')) return await fetch(...given);
    const from = now();
    waitingFor += 1;
    try {
      return await fetch(...given);
    } finally {
      waitingFor -= 1;
      asked.push({ from, to: now() });
    }
  };

  const nextFrame = () =>
    new Promise((resolve) => {
      requestAnimationFrame(() => {
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = resolve;
        port2.postMessage(null);
      });
    });

  globalThis.benchProbe = {
    longTasks: () => tasks.splice(0),
    draws: () => draws,

    /** When each of the elements was first there to be used; resolves when all are. */
    async waitFor(selectors) {
      const isUsable = (selector) => {
        const element = document.querySelector(selector);
        return element !== null && element.getClientRects().length > 0 && !element.matches(':disabled');
      };
      while (selectors.some((selector) => seen[selector] === undefined)) {
        await nextFrame();
        for (const selector of selectors) if (isUsable(selector)) seen[selector] ??= now();
      }
      // The browser tells of a paint some frames after it.
      let paint;
      while (paint === undefined) {
        await nextFrame();
        [paint] = performance.getEntriesByName('first-contentful-paint');
      }
      return {
        startedAt: performance.timeOrigin,
        paintedAt: performance.timeOrigin + paint.startTime,
        usableAt: selectors.map((selector) => seen[selector]),
      };
    },

    /**
     * From the next end of a gesture to the first frame that shows something of it, and to the one that shows all: that
     * of the last time that a chart was drawn, when nothing has been asked for and drawn for `quietMs`.
     */
    gesture(event, quietMs) {
      return new Promise((resolve) => {
        const begun = async ({ timeStamp }) => {
          const at = performance.timeOrigin + timeStamp;
          [asked, drawnAt] = [[], 0];
          let firstAt = 0;
          let shownAt = 0;
          let shownDraw = 0;
          while (waitingFor > 0 || drawnAt === 0 || now() - Math.max(drawnAt, asked.at(-1)?.to ?? 0) < quietMs) {
            await nextFrame();
            if (drawnAt !== shownDraw) [shownAt, shownDraw] = [now(), drawnAt];
            firstAt ||= shownAt;
          }
          const begins = asked.map(({ from }) => from);
          const ends = asked.map(({ to }) => to);
          const serverMs = asked.length === 0 ? 0 : Math.max(...ends) - Math.min(...begins);
          resolve({ ms: shownAt - at, firstMs: firstAt - at, serverMs, requests: asked.length });
        };
        addEventListener(event, (happened) => void begun(happened), { capture: true, once: true });
      });
    },
  };
})();
