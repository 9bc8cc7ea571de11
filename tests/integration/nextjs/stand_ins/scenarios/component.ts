// The component of the page for producers. The hooks of React are stand-ins, because its effects
// need a browser; the client of Realtime is the real one.
import React from 'react'
import { renderToStaticMarkup } from 'react-dom/server'
import { supabase } from '../@/lib/supabase-browser'
import { stored } from '../producers/actions'
import { Panels } from '../producers/panels'
import { Socket, turn, until } from './socket'

let panels: any[] = []
let cleanUp: () => void = () => {}
let timer: (() => void) | undefined

function mount(projectId: string) {
  const real = globalThis.setInterval
  globalThis.setInterval = ((poll: () => void) => (timer = poll)) as never
  const use = {
    useState: (initial: any[]) => [
      (panels = initial),
      (next: any) => (panels = typeof next === 'function' ? next(panels) : next),
    ],
    useEffect: (effect: () => () => void) => (cleanUp = effect()),
  }
  const { useState, useEffect } = React
  Object.assign(React, use)
  Panels({ projectId, initial: stored.panels })
  Object.assign(React, { useState, useEffect })
  globalThis.setInterval = real
}

function shown() {
  const { useState, useEffect } = React
  Object.assign(React, { useState: () => [panels], useEffect: () => {} })
  const html = renderToStaticMarkup(React.createElement(Panels as never, { projectId: 'p' }))
  Object.assign(React, { useState, useEffect })
  return html
}

const events = () => Socket.current?.events.filter((event) => event !== 'access_token') ?? []

export async function open(projectId: string, rows: unknown[]) {
  Socket.refuses = false
  Object.assign(stored, { panels: rows, reads: 0 })
  mount(projectId)
  await until(() => stored.reads === 1)
  await turn()
  return shown()
}

export async function send(topic: string, row: unknown) {
  Socket.current!.broadcast(topic, row)
  await turn()
  return shown()
}

/** A minute later the view holds these. */
export async function pass(rows: unknown[]) {
  stored.panels = rows
  timer!()
  await turn()
  return shown()
}

export async function close() {
  cleanUp()
  await turn()
  return supabase.getChannels().length
}

/** Is opened again before the server has answered that it has left. */
export async function reopen(projectId: string) {
  Socket.isFarAway = true
  cleanUp()
  mount(projectId)
  const reads = stored.reads
  await until(() => stored.reads > reads && Socket.unanswered === 0)
  Socket.isFarAway = false
  await turn()
}

/** Is gone before the client has its token; what the client sends, and the channels that it keeps. */
export async function openAndClose(projectId: string) {
  const before = events().length
  mount(projectId)
  cleanUp()
  for (let n = 0; n < 5; n += 1) await turn()
  return { sent: events().slice(before), channels: supabase.getChannels().length }
}
