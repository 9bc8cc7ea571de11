// The multipart form of an upload to Cloudinary, signed as its documentation says
// (https://cloudinary.com/documentation/authentication_signatures): the fields in the order of
// their names, the secret behind them, SHA-1. The fields are those that this project sends.

import { hash, randomUUID } from 'node:crypto'

const TAG = 'storyboard'

export class Form {
  #apiKey
  #apiSecret
  #delimiter

  constructor(apiKey, apiSecret) {
    this.#apiKey = apiKey
    this.#apiSecret = apiSecret
    const boundary = randomUUID().replaceAll('-', '')
    this.#delimiter = `--${boundary}`
    this.contentType = `multipart/form-data; boundary=${boundary}`
  }

  // The bytes before and after those of the image.
  around(id, sourceUrl) {
    let opening = ''
    for (const [name, value] of Object.entries(this.#signedFields(id, sourceUrl))) {
      opening +=
        `${this.#delimiter}\r\nContent-Disposition: form-data; name="${name}"` +
        `\r\n\r\n${value}\r\n`
    }
    opening +=
      `${this.#delimiter}\r\nContent-Disposition: form-data; name="file"; filename="image"` +
      '\r\nContent-Type: application/octet-stream\r\n\r\n'
    return {
      opening: Buffer.from(opening),
      closing: Buffer.from(`\r\n${this.#delimiter}--\r\n`),
    }
  }

  #signedFields(id, sourceUrl) {
    const digest = hash('sha256', sourceUrl.split('?', 1)[0]).slice(0, 10)
    const fields = {
      context: `storyboard_id=${id}`,
      overwrite: 'true',
      public_id: `storyboards/${id}-${digest}`,
      tags: TAG,
      timestamp: String(Math.floor(Date.now() / 1000)),
    }
    const text = Object.entries(fields)
      .map(([name, value]) => `${name}=${value}`)
      .join('&')
    const signature = hash('sha1', text + this.#apiSecret)
    return { ...fields, signature, api_key: this.#apiKey }
  }
}
