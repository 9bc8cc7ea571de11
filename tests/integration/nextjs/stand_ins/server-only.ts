// The real package makes a build fail that takes its importer to the browser. It holds no code.
export {}
