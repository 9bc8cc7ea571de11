// The app's own function, as the page describes it: one project is closed to all.
export async function requireMember(projectId: string): Promise<void> {
  if (!projectId || projectId === 'of-others') throw new Error('not a member')
}
