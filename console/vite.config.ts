import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';
import { compressed } from './compressed.js';

/** The server that `npm run dev` of the console asks: `npm start` beside it. */
const SERVER = 'http://127.0.0.1:8000';

export default defineConfig({
  root: import.meta.dirname,
  // Addresses in the page are made absolute by the server, which knows the path of its proxy.
  base: './',
  resolve: { alias: { '#console': fileURLToPath(new URL('src', import.meta.url)) } },
  plugins: [react(), compressed()],
  html: { cspNonce: '__NONCE__' },
  build: {
    // The policy of the page allows no data: scripts and fonts.
    assetsInlineLimit: 0,
    target: 'es2022',
    chunkSizeWarningLimit: 800,
    modulePreload: { polyfill: false },
  },
  server: { proxy: { '/api': SERVER, '/socket.io': { target: SERVER, ws: true } } },
});
