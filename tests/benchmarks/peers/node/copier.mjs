// One image from its source to the storage, as the worker of this project does it: streamed from
// one to the other over kept connections, in a signed multipart upload, and compared with what
// the storage says it has stored. It leaves out what the worker does besides: it judges no
// structure, knows no expiry, and has no deadline for the whole.

import { createHash } from 'node:crypto'
import { Transform, pipeline } from 'node:stream'
import { Agent, request } from 'undici'
import { Form } from './form.mjs'

// A body of so few bytes arrives in one read. To pass it on in one write is quicker.
const ONE_PIECE_BYTES = 64 * 1024

export class Copier {
  #dispatcher
  #hashing = process.env.VERIFY_STORED !== 'size'
  #form = new Form(process.env.CLOUDINARY_API_KEY, process.env.CLOUDINARY_API_SECRET)
  #uploadUrl =
    `${process.env.CLOUDINARY_UPLOAD_PREFIX}/v1_1/` +
    `${process.env.CLOUDINARY_CLOUD_NAME}/image/upload`

  constructor(atOnce) {
    this.#dispatcher = new Agent({ connections: atOnce })
  }

  // What the storage says of the image.
  async copy(id, sourceUrl) {
    const source = await request(sourceUrl, { dispatcher: this.#dispatcher })
    const length = Number(source.headers['content-length'])
    if (source.statusCode !== 200) throw new Error(`the source answers ${source.statusCode}`)
    const hash = this.#hashing ? createHash('md5') : undefined
    const stored = await this.#upload(id, sourceUrl, source.body, length, hash)
    const intact = stored.bytes === length && (!hash || stored.etag === hash.digest('hex'))
    if (!intact) throw new Error('what the storage has stored is not what was sent')
    return stored
  }

  async #upload(id, sourceUrl, image, length, hash) {
    const { opening, closing } = this.#form.around(id, sourceUrl)
    const body =
      length <= ONE_PIECE_BYTES
        ? await inOnePiece(opening, image, closing, hash)
        : inChunks(opening, image, closing, hash)
    const answer = await request(this.#uploadUrl, {
      method: 'POST',
      dispatcher: this.#dispatcher,
      headers: {
        'content-type': this.#form.contentType,
        'content-length': String(opening.length + length + closing.length),
      },
      body,
    })
    if (answer.statusCode !== 200) throw new Error(`the storage answers ${answer.statusCode}`)
    return answer.body.json()
  }
}

async function inOnePiece(opening, image, closing, hash) {
  const bytes = Buffer.from(await image.arrayBuffer())
  hash?.update(bytes)
  return Buffer.concat([opening, bytes, closing])
}

// A stream, because undici sends a generator's chunks at a tenth more CPU.
function inChunks(opening, image, closing, hash) {
  const framed = new Transform({
    transform(chunk, _encoding, done) {
      hash?.update(chunk)
      done(null, chunk)
    },
    flush(done) {
      done(null, closing)
    },
  })
  framed.push(opening)
  // An error of either side ends both; the request then fails with it.
  pipeline(image, framed, () => {})
  return framed
}
