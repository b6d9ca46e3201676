"""Whether the loop works: unexplained spend, time to detect, explain and recover, false alarms."""
