import { processName } from '../../lib/stream/sqlite-owner.ts'
import { obey, say } from '../store/child.ts'

obey(async () => undefined)
say({ is: 'name', name: processName() })
