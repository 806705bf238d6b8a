// The files that the tests upload.
const script = (lines: number) => `import os, time
print("configuration", os.environ.get("FILE_CONFIG", "none"))
for line in range(1, ${lines} + 1):
    print(f"line {line} of ${lines}", flush=True)
    time.sleep(0.5)
print("the end")
`;

/** Prints a line every half second, so that the output can be seen growing. */
export const trainScript = (lines: number) => ({
  name: "train.py",
  mimeType: "text/x-python",
  buffer: Buffer.from(script(lines)),
});

export const config = {
  name: "config.yaml",
  mimeType: "application/yaml",
  buffer: Buffer.from("epochs: 3\n"),
};

/** Two chunks and a bit; the content is no archive, which is nobody's business on the way. */
export const dataset = {
  name: "dataset.tar.gz",
  mimeType: "application/gzip",
  buffer: Buffer.alloc(11 * 1024 * 1024, "slurmdash"),
};
