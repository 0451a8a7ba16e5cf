#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// geotiff.js in node: every level.  It decodes JPEG by itself, not by libjpeg,
// so colours that are subsampled come out a little different.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

function pnm(path) {
  const bytes = readFileSync(path);
  const [kind, width, height, most] = bytes.subarray(0, 64).toString('latin1').split(/\s+/);
  const bands = kind === 'P5' ? 1 : 3;
  const deep = most > 255;
  const start = bytes.length - width * height * bands * (deep ? 2 : 1);
  let samples = bytes.subarray(start);
  if (deep) samples = Uint16Array.from({ length: width * height * bands }, (_, i) => bytes.readUInt16BE(start + 2 * i));
  return { width: +width, height: +height, bands, samples };
}

function rms(got, want) {
  let sum = 0;
  for (let i = 0; i < want.length; i++) sum += (got[i] - want[i]) ** 2;
  return Math.sqrt(sum / want.length);
}

async function check(subject) {
  const tiff = await fromFile(subject.path);
  try {
    const count = await tiff.getImageCount();
    if (count !== subject.levels) throw new Error(`${count} images`);
    let most = 0;
    for (let level = 0; level < count; level++) {
      const want = pnm(`${subject.base}.${level}.pnm`);
      const image = await tiff.getImage(level);
      if (image.getWidth() !== want.width || image.getHeight() !== want.height) throw new Error(`size of level ${level}`);
      const samples = want.bands === 1 ? await image.readRasters({ interleave: true }) : await image.readRGB({ interleave: true });
      if (samples.length !== want.samples.length) throw new Error(`level ${level}: ${samples.length} samples`);
      const error = rms(samples, want.samples);
      const jpeg = image.fileDirectory.getValue('Compression') === 7;
      if (error > (jpeg ? 6 : 0)) throw new Error(`level ${level}: rms ${error.toFixed(2)}`);
      most = Math.max(most, error);
    }
    return most > 0 ? `near\t${most.toFixed(2)}` : 'same';
  } finally {
    await tiff.close();
  }
}

let fromFile;
try {
  const main = join(process.env.NODE_MODULES, 'geotiff/dist-module/geotiff.js');
  ({ fromFile } = await import(pathToFileURL(main)));
} catch (error) {
  console.log('cannot', error.message.split('\n')[0]);
  process.exit();
}
for (const line of readFileSync(process.argv[2], 'utf8').trimEnd().split('\n')) {
  const [id, path, base, levels] = line.split('\t');
  const result = await check({ path, base, levels: +levels }).catch((error) => `wrong\t${error.message}`);
  console.log(`${id}\t${result}`);
}
