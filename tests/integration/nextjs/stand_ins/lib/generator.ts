// The app's own function, as the page describes it.
export async function generateImage(prompt: string): Promise<string> {
  return `https://images.example/${prompt}.jpeg`
}
