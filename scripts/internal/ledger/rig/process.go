package rig

// PID is the process's id.
func (m *Member) PID() int { return m.cmd.Process.Pid }
