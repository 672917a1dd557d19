// node upload.js ENDPOINT TOKEN FILE [CHUNK_SIZE]: upload, retry, print the image's id.
import { createReadStream } from "node:fs";
import { Upload } from "tus-js-client";

const [endpoint, token, file, chunkSize] = process.argv.slice(2);
let imageId = null;

const upload = new Upload(createReadStream(file), {
  endpoint,
  chunkSize: chunkSize ? Number(chunkSize) : Infinity,
  headers: { Authorization: `Bearer ${token}` },
  metadata: { filename: "é.jpg", filetype: "image/jpeg", title: "from node", finalize: "true" },
  retryDelays: Array(120).fill(500),
  onAfterResponse: (_, response) => {
    imageId = response.getHeader("Darkroom-Image-Id") ?? imageId;
  },
  onError: (error) => {
    console.error(String(error));
    process.exit(1);
  },
  onSuccess: () => console.log(imageId),
});
upload.start();
