package sandbox

import (
	"iter"
	"time"
)

// born is when a thing was created.
func (d *dated) born() time.Time { return d.createdAt }

// mixed goes through a list. Where nothing is documented of the order, which is
// among neighbours that tied finds equal, it is another one with every turn.
func mixed[T any](list []T, turn uint64, tied func(a, b T) bool) iter.Seq[T] {
	return func(yield func(T) bool) {
		for from, to := 0, 0; from < len(list); from = to {
			for to = from + 1; to < len(list) && tied(list[from], list[to]); to++ {
			}
			order := newShuffle(to-from, turn)
			for i := range to - from {
				if !yield(list[from+order.at(i)]) {
					return
				}
			}
		}
	}
}

// turn counts the readings of a list: a first page begins one, and the pages
// after it keep its order. Only /inventory pages over an order that moves.
func (k *katanaServer) turn(path string, page int) uint64 {
	if page == 1 {
		k.reads++
		k.turns[path] = k.reads
	}
	return k.turns[path]
}

// shuffle is an order of n things that costs nothing to make: position p
// holds thing (p × step + start) mod n, which meets each thing once because
// step and n have no common divisor.
type shuffle struct{ n, step, start int }

func newShuffle(n int, seed uint64) shuffle {
	s := shuffle{n: n, step: 1}
	if n < 2 {
		return s
	}
	mix := seed * 0x9e3779b97f4a7c15       // spreads small seeds over all bits
	s.start = int(mix>>33) % n             // #nosec G115 -- 31 bits
	s.step = 1 + int(mix>>17&0xffff)%(n-1) // #nosec G115 -- 16 bits
	for divisor(s.step, n) != 1 {
		s.step++
	}
	return s
}

func (s shuffle) at(p int) int { return (p*s.step + s.start) % s.n }

func divisor(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
