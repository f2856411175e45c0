"""The process around a training: threads, schedules, folders, and what Lightning says."""
