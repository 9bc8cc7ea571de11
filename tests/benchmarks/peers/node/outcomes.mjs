// What became of a row, written by its key. The statement is prepared once for each connection.

import pg from 'pg'

const READY = {
  name: 'ready',
  text: `UPDATE storyboards SET status = 'ready', cdn_url = $2, public_id = $3, asset_id = $4,
           format = $5, width = $6, height = $7, bytes = $8, etag = $9
         WHERE id = $1`,
}

export class Outcomes {
  #pool

  constructor(atOnce) {
    this.#pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: atOnce })
  }

  async write(id, image) {
    await this.#pool.query({
      ...READY,
      values: [
        id,
        image.secure_url,
        image.public_id,
        image.asset_id,
        image.format,
        image.width,
        image.height,
        image.bytes,
        image.etag,
      ],
    })
  }
}
