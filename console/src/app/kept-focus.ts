const KEPT = 20;
const visited: HTMLElement[] = [];

document.addEventListener('focusin', ({ target }) => {
  if (!(target instanceof HTMLElement)) return;
  visited.push(target);
  if (visited.length > KEPT) visited.shift();
});

function restore(): void {
  if (document.activeElement !== null && document.activeElement !== document.body) return;
  const last = visited.findLast((element) => element.isConnected && element.getClientRects().length > 0);
  last?.focus({ preventScroll: true });
}

/**
 * Where the focus goes when a dialog has closed and what had opened it is gone, such as an item of a menu: to the last
 * place that is still there. The dialog itself is there for a moment longer.
 */
export function keepFocus(): void {
  requestAnimationFrame(() => requestAnimationFrame(restore));
}
