package auth

// Held returns how many readings v remembers.
func (v *PATVerifier) Held() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return len(v.held)
}
