// node compress.mjs QUALITY FILE...: writes FILE.br and FILE.gz beside each file, never half of one.
import { readFile, rename, writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";

const [quality, ...files] = process.argv.slice(2);

async function put(path, content) {
  await writeFile(`${path}.part`, content);
  await rename(`${path}.part`, path);
}

await Promise.all(
  files.map(async (file) => {
    const content = await readFile(file);
    const params = {
      [constants.BROTLI_PARAM_QUALITY]: Number(quality),
      [constants.BROTLI_PARAM_LGWIN]: 24,
      [constants.BROTLI_PARAM_SIZE_HINT]: content.length,
    };
    const [small, old] = await Promise.all([
      promisify(brotliCompress)(content, { params }),
      promisify(gzip)(content, { level: 9 }),
    ]);
    await Promise.all([put(`${file}.br`, small), put(`${file}.gz`, old)]);
  }),
);
