// Reads a call a line, does it, and writes its result as a line. See node_calls.py.
const path = require('node:path')
const readline = require('node:readline')

const folder = process.argv[2]
// Results have the standard output for themselves.
console.log = console.error
// Node before 22 has none, and supabase-js wants to see one even if it opens no connection.
globalThis.WebSocket ??= class WebSocket {}

async function done({ file, function: name, arguments: given, variables }) {
  if (variables) {
    Object.assign(process.env, variables)
    return null
  }
  return shown(await require(path.join(folder, file))[name](...given))
}

async function shown(result) {
  if (!(result instanceof Response)) return result
  const headers = Object.fromEntries(result.headers)
  return { status: result.status, headers, body: await result.text() }
}

async function answer(line) {
  try {
    return { result: await done(JSON.parse(line)) }
  } catch (error) {
    return { error: { name: error.name, message: error.message, ...error } }
  }
}

async function serve() {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    process.stdout.write(JSON.stringify(await answer(line)) + '\n')
  }
  process.exit(0)
}

serve()
