// A stand-in for Supabase's Realtime server, as the real client sees it.
type Message = [join: string | null, ref: string | null, topic: string, event: string, payload: any]

const PATIENCE_MS = 20_000

/** A WebSocket that leads to a stand-in: https://supabase.com/docs/guides/realtime/protocol */
export class Socket {
  static current: Socket | undefined
  static refuses = false
  static isFarAway = false
  static unanswered = 0
  readyState = 0
  onopen?: () => void
  onmessage?: (event: { data: string }) => void
  onclose?: (event: { code: number }) => void
  onerror?: () => void
  joins: Message[] = []
  /** The names of all that was sent. */
  events: string[] = []

  constructor(readonly url: string) {
    Socket.current = this
    queueMicrotask(() => {
      this.readyState = 1
      this.onopen?.()
    })
  }

  send(text: string) {
    const message: Message = JSON.parse(text)
    const [join, ref, topic, event] = message
    this.events.push(event)
    if (event === 'phx_join') this.joins.push(message)
    const refused = event === 'phx_join' && Socket.refuses
    const payload = refused
      ? { status: 'error', response: { reason: 'Unauthorized' } }
      : { status: 'ok', response: {} }
    Socket.unanswered += 1
    const reply = () => {
      Socket.unanswered -= 1
      this.say([join, ref, topic, 'phx_reply', payload])
    }
    if (Socket.isFarAway) setTimeout(reply, 20)
    else queueMicrotask(reply)
  }

  say(message: Message) {
    this.onmessage?.({ data: JSON.stringify(message) })
  }

  /** The message of a row that has changed. */
  broadcast(topic: string, row: unknown) {
    const payload = { type: 'broadcast', event: 'storyboard', payload: row }
    this.say([null, null, `realtime:${topic}`, 'broadcast', payload])
  }

  close() {
    this.readyState = 3
    queueMicrotask(() => this.onclose?.({ code: 1000 }))
  }
}

export const turn = () => new Promise((resolve) => setImmediate(resolve))

export async function until(condition: () => boolean) {
  const endsAt = performance.now() + PATIENCE_MS
  while (!condition()) {
    if (performance.now() > endsAt) throw new Error(`not within ${PATIENCE_MS} ms: ${condition}`)
    await turn()
  }
}
