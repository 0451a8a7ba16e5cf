// SPDX-License-Identifier: MIT
// Shows slide.tif in OpenSeadragon, in one of two ways:
//   ?by=server  iipsrv reads the file and sends tiles as JPEG (Deep Zoom)
//   ?by=ranges  the web server sends byte ranges, geotiff.js reads them here
// &x=..&y=..&width=.. begins with that part of level 0, in pixels.
import { enableGeoTIFFTileSource } from './modules/geotiff-tilesource/dist/geotiff-tilesource.mjs';

const { OpenSeadragon } = window;
enableGeoTIFFTileSource(OpenSeadragon);

const query = new URLSearchParams(location.search);
const by = query.get('by') ?? 'server';
const told = document.getElementById('told');

async function tileSource() {
  if (by === 'server') return 'iipsrv?DeepZoom=slide.tif.dzi';
  const file = new URL('slide.tif', location.href).href;
  const sources = await OpenSeadragon.GeoTIFFTileSource.getAllTileSources(file, { logLatency: false });
  return sources[0];
}

const viewer = new OpenSeadragon.Viewer({
  id: 'viewer',
  prefixUrl: 'modules/openseadragon/build/openseadragon/images/',
  drawer: 'canvas',
  showNavigator: true,
  maxZoomPixelRatio: 4,
  smoothTileEdgesMinZoom: Infinity,
});

// Fills the width of the window with `width` pixels of level 0 from (x, y) on.
function show(x, y, width) {
  const image = viewer.world.getItemAt(0);
  const { x: across, y: down } = viewer.viewport.getContainerSize();
  const part = image.imageToViewportRectangle(x, y, width, (width * down) / across);
  viewer.viewport.fitBounds(part, true);
}

// For programs that drive this page: whether all tiles of the view are drawn.
function drawn() {
  const image = viewer.world.getItemAt(0);
  return Boolean(image?.getFullyLoaded() && !viewer.isAnimating?.());
}

viewer.addHandler('open', () => {
  const size = viewer.world.getItemAt(0).getContentSize();
  told.textContent = `${size.x} x ${size.y} pixels`;
  if (query.has('width')) show(+(query.get('x') ?? 0), +(query.get('y') ?? 0), +query.get('width'));
});
viewer.addHandler('open-failed', (event) => {
  told.textContent = `The file cannot be shown: ${event.message}`;
});
for (const link of document.querySelectorAll('header a')) {
  link.classList.toggle('now', link.search === `?by=${by}`);
}
window.page = { viewer, show, drawn };
tileSource().then(
  (source) => viewer.open(source),
  (error) => { told.textContent = `The file cannot be read: ${error.message}`; },
);
