// tus-js-client sends the file argv[3] to the upload argv[2]; TUS_HEADERS holds further headers as JSON.
import { createReadStream, statSync } from 'node:fs'
import { Upload } from 'tus-js-client'

const [address, path] = process.argv.slice(2)
const upload = new Upload(createReadStream(path), {
  uploadUrl: address,
  uploadSize: statSync(path).size,
  chunkSize: 1024 * 1024,
  headers: JSON.parse(process.env.TUS_HEADERS),
  retryDelays: [100, 500],
  onError: (error) => {
    console.error(String(error))
    process.exitCode = 1
  },
  onSuccess: () => console.log('done'),
})
upload.start()
