package plan

import "time"

// Part is what can be killed.
type Part string

// The parts.
const (
	Worker Part = "worker"
	Relay  Part = "relay"
	Engine Part = "engine"
	Valkey Part = "valkey"
)

// Kill is one SIGKILL.
type Kill struct {
	Number int
	Part   Part
	Which  int           // of the part's processes, modulo their number
	After  time.Duration // since the kill before
	Down   time.Duration // until it is started again
	Empty  bool          // a Valkey comes back without its data, as one does that keeps no log
}

// Kill returns the kill of that number; every is the mean time between two.
func (p Plan) Kill(n int, every time.Duration) Kill {
	r := p.stream("kill", n)
	k := Kill{Number: n, Which: r.IntN(1 << 16), After: every/2 + time.Duration(r.Int64N(int64(every))),
		Down: 200*time.Millisecond + time.Duration(r.IntN(2500))*time.Millisecond, Empty: r.IntN(2) == 0}
	switch kind := r.IntN(20); {
	case kind < 9:
		k.Part = Worker
	case kind < 13:
		k.Part = Relay
	case kind < 18:
		k.Part = Engine
	default:
		k.Part = Valkey
	}
	return k
}
